/** What whoever finds a stick should know: whose it is, and that there is nothing on it for them. */
export function stickNote({ name, nodeId }: { readonly name: string; readonly nodeId: string }): string {
  return `This folder belongs to postern, which carries messages to places the internet reaches badly.

The files in it are sealed. Only the gateway that each is for can open it; what it
finds in there are letters that are sealed once more, for the people they are written to.

If you have found this stick, please bring or send it to the gateway
    ${name}    (${nodeId})
or to whoever runs the network where you are. The messages on it are not lost: they
are kept until they have arrived, and go out again by other ways.

Please leave this folder as it is. The rest of the stick is yours to use.
`;
}
