/** What `postern doctor` looks at for the links: devices, programs and folders that the configuration names. Nothing is sent. */
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { codeOf } from '../base/durable-file.js';
import { messageOf } from '../base/errors.js';
import type { GatewayConfig } from '../gateway/config.js';
import type { LinkConfig } from '../gateway/link-schema.js';
import { bad, fine, remark, type Finding } from './doctor-finding.js';

/** @param searchPath where programs without a slash are looked for, as in $PATH */
export async function lookAtLinks({ peers }: GatewayConfig, searchPath: string): Promise<Finding[]> {
  const links = peers.filter(({ enabled }) => enabled).flatMap((peer) => peer.links.map((link) => ({ what: `${peer.name}/${link.kind}`, link })));
  return (await Promise.all(links.map(({ what, link }) => lookAtLink(what, link, searchPath)))).flat();
}

async function lookAtLink(what: string, link: LinkConfig, searchPath: string): Promise<Finding[]> {
  if (link.kind === 'burst') return [await lookAtDevice(what, link.device)];
  if (link.kind === 'command') return [await lookAtProgram(what, link.program[0] ?? '', searchPath), await lookAtInbox(what, link.inbox)];
  return [];
}

async function lookAtDevice(what: string, device: string): Promise<Finding> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
    return fine(what, `${device} is there`);
  } catch (thrown) {
    const mend = codeOf(thrown) === 'EACCES' ? 'Put the user of the gateway into the group of the device, customarily dialout.' : 'Look at cable and power; "ls /dev/tty*" shows what there is.';
    return bad(what, messageOf(thrown), mend);
  }
}

async function lookAtProgram(what: string, program: string, searchPath: string): Promise<Finding> {
  const places = program.includes('/') ? [program] : searchPath.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) if (await canRun(place)) return fine(what, `the program ${place} is there`);
  return bad(what, program.includes('/') ? `${program} is no program that this user can run` : `there is no program ${program} in ${searchPath}`, 'Install it, make it executable, or correct "program".');
}

async function canRun(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** It is made by the gateway where it is missing. */
async function lookAtInbox(what: string, inbox: string): Promise<Finding> {
  try {
    await access(inbox, constants.R_OK | constants.W_OK | constants.X_OK);
    return fine(what, `the inbox ${inbox} can be used`);
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return remark(what, `the inbox ${inbox} is not there yet`, 'The gateway makes it when it first runs.');
    return bad(what, messageOf(thrown), 'Give it to the user that runs the gateway.');
  }
}
