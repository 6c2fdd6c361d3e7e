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
  /** Resolves when the guest has halted. */
  readonly ended: Promise<void>;
  /** What its command has written so far. */
  output(): string;
}

/** Boots with an empty disk, runs `command` in an empty folder in memory, and halts. */
export function bootGuest(t: Test, command: string): Guest {
  const folder = mkdtempSync(path.join(tmpdir(), 'postern-guest-'));
  const disk = path.join(folder, 'stick.img');
  writeFileSync(disk, '');
  truncateSync(disk, STICK_MIB * 1024 * 1024);
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
  const kernel = spawn('linux.uml', [`mem=${MEMORY_MIB}M`, 'rootfstype=hostfs', 'rootflags=/', 'ro', 'quiet', `init=${script}`, `ubda=${disk}`, 'con=null', 'con0=null'], { stdio: 'ignore', env: { PATH, HOME: folder, TMPDIR: folder }, detached: true });
  const ended = new Promise<void>((resolve) => kernel.once('close', () => resolve()));
  t.teardown(async () => {
    // Its kernel is several processes, in a group of their own.
    if (kernel.pid !== undefined && kernel.exitCode === null) process.kill(-kernel.pid, 'SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  const out = path.join(folder, 'out');
  return { ended, output: () => (existsSync(out) ? readFileSync(out, 'utf8') : '') };
}
