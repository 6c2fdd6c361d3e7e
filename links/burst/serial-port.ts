/**
 * The door to the package `serialport`, loaded when a port is opened: a gateway without a modem never loads native code,
 * and where that cannot be loaded only this link says so.
 */
import { messageOf, PosternError } from '../../base/errors.js';
import type { ModemPort } from './at-channel.js';

/** Throws LINK_MODEM where the port cannot be opened. */
export async function openSerialPort(device: string, baudRate: number): Promise<ModemPort> {
  const { SerialPort } = await load(device);
  const port = new SerialPort({ path: device, baudRate, autoOpen: false, lock: true });
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null ? resolve() : reject(fault(device, error.message, error))));
  });
  const opened: ModemPort = {
    onData: undefined,
    onClose: undefined,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        port.write(Buffer.from(bytes));
        port.drain((error) => (error === null ? resolve() : reject(error)));
      }),
    close: () =>
      new Promise((resolve) => {
        if (!port.isOpen) return resolve();
        // What cannot be closed is gone already.
        port.close(() => resolve());
      }),
  };
  port.on('data', (bytes: Buffer) => opened.onData?.(new Uint8Array(bytes)));
  port.on('close', () => opened.onClose?.('the device has gone away'));
  port.on('error', (error) => opened.onClose?.(error.message));
  return opened;
}

async function load(device: string): Promise<typeof import('serialport')> {
  try {
    return await import('serialport');
  } catch (cause) {
    throw fault(device, `this build of postern has no serial ports (${messageOf(cause)}); run it from its folder with Node.js`, cause);
  }
}

function fault(device: string, found: string, cause: unknown): PosternError {
  return new PosternError('LINK_MODEM', `The modem at ${device} cannot be opened: ${found}.`, { address: device, found }, { cause });
}
