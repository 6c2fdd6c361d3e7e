/** Where links tell what happened; handed in, so that a link knows no logger. */
export type TcpclLog = (level: 'debug' | 'info' | 'warn', message: string, data: Readonly<Record<string, string | number>>) => void;
