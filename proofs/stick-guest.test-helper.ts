/** A kernel of its own for what the host's cannot do or should not suffer: user-mode Linux, with this machine's files read-only below it. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { Test } from 'tap';

const PROGRAMS = ['linux.uml', 'insmod', 'dmsetup', 'mkfs.vfat', 'fsck.vfat', 'mkfs.exfat', 'fsck.exfat', 'mount.exfat-fuse', 'mkfs.ext4'];
const PATH = `${process.env.PATH ?? ''}:/sbin:/usr/sbin`;
/** The guest cannot take more than this, whatever runs in it. It lies in a file of the guest's folder. */
const MEMORY_MIB = 320;
const STICK_MIB = 40;
const NEEDED_FREE_BYTES = 1024 * 1024 * 1024;
const MODULES = ['fs/nls/nls_cp437', 'fs/nls/nls_ascii', 'fs/nls/nls_iso8859-1', 'fs/nls/nls_utf8', 'fs/fat/fat', 'fs/fat/vfat', 'fs/fuse/fuse', 'drivers/md/dm-mod'];

/** Why there is no guest here, if there is none: to be given as the `skip` of a test. */
export function whyNoGuest(): string | false {
  if (process.getuid?.() !== 0) return 'a guest with the files of this machine needs root';
  const missing = PROGRAMS.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`], { env: { PATH } }).status !== 0);
  if (missing.length > 0) return `not installed: ${missing.join(', ')} (user-mode-linux, kmod, dmsetup, dosfstools, exfatprogs, exfat-fuse, e2fsprogs)`;
  const { bavail, bsize } = statfsSync(tmpdir());
  return bavail * bsize < NEEDED_FREE_BYTES ? `${tmpdir()} has not the room for a guest` : false;
}

export interface Guest {
  /** Its one writable folder, and the host's name for it. In the guest it is /mnt/out. */
  readonly folder: string;
  /** Resolves when the guest has halted or was killed. */
  readonly ended: Promise<void>;
  /** What the guest has written to a file of its folder so far. */
  read(name: string): string;
  /** The power fails. */
  kill(): void;
}

export interface GuestDisk {
  readonly folder: string;
}

/** A folder on the host with the guest's disk: it outlives the guest. */
export function newGuestDisk(t: Test): GuestDisk {
  const folder = mkdtempSync(path.join(tmpdir(), 'postern-guest-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, mebibytes] of [['stick.img', STICK_MIB], ['data.img', STICK_MIB]] as const) {
    writeFileSync(path.join(folder, name), '');
    truncateSync(path.join(folder, name), mebibytes * 1024 * 1024);
  }
  return { folder };
}

/** Boots, runs `command` in an empty folder in memory, and halts. Its output is in the file `out`. */
export function bootGuest(t: Test, { folder }: GuestDisk, command: string): Guest {
  const script = path.join(folder, 'init.sh');
  writeFileSync(
    script,
    `#!/bin/bash
export PATH=${PATH} HOME=/mnt/home
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /mnt
for module in ${MODULES.join(' ')}; do insmod /usr/lib/uml/modules/$(uname -r)/kernel/$module.ko; done
mkdir /mnt/out /mnt/home /mnt/stick
mount -t hostfs -o ${folder} none /mnt/out
cd /mnt/home
mkfifo /mnt/orders /mnt/answers
while read -r order < /mnt/orders; do { eval "$order"; echo "ended with $?"; } > /mnt/answers 2>&1; done &
${command} > /mnt/out/out 2>&1
echo "# the guest's command ended with $?" >> /mnt/out/out
sync
halt -f
`,
    { mode: 0o755 },
  );
  const kernel = spawn('linux.uml', [`mem=${MEMORY_MIB}M`, 'rootfstype=hostfs', 'rootflags=/', 'ro', 'quiet', `init=${script}`, `ubda=${path.join(folder, 'stick.img')}`, `ubdb=${path.join(folder, 'data.img')}`, 'con=null', 'con0=null'], { stdio: 'ignore', env: { PATH, HOME: folder, TMPDIR: folder }, detached: true });
  const ended = new Promise<void>((resolve) => kernel.once('close', () => resolve()));
  // Its kernel is several processes, in a group of their own.
  const kill = (): void => {
    if (kernel.pid === undefined || kernel.exitCode !== null) return;
    try {
      process.kill(-kernel.pid, 'SIGKILL');
    } catch {
      // It has halted by itself.
    }
  };
  t.teardown(async () => {
    kill();
    await ended;
  });
  const read = (name: string): string => (existsSync(path.join(folder, name)) ? readFileSync(path.join(folder, name), 'utf8') : '');
  return { folder, ended, read, kill };
}
