/** What several blocks of postern.yaml are made of: sizes, times, addresses, back-off. Units stand last in the names. */
import { z } from 'zod';

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const SECOND_MS = 1000;
export const HOUR_MS = 3600 * SECOND_MS;
export const DAY_MS = 24 * HOUR_MS;

/** It has to fit a knock (wire/notification.ts). */
const MAX_URL_CHARACTERS = 128;

export const host = z.string().min(1).max(253);
export const port = z.int().min(0).max(65_535);
/** Nobody's at IANA; next to that of TCPCL. */
export const BROADCAST_PORT = 4557;
export const ipAddress = z.union([z.ipv4(), z.ipv6()], 'use an IP address');
export const bytes = z.int().min(0);
export const durationMs = z.int().min(0).max(366 * DAY_MS);
export const baseUrl = z.url({ protocol: /^https?$/, error: 'use a URL such as https://gateway.example.org:8443' }).refine((text) => !text.endsWith('/'), 'leave out the slash at the end').refine((text) => text.length <= MAX_URL_CHARACTERS, `use at most ${MAX_URL_CHARACTERS} characters`);

export const backoff = z.strictObject({ firstMs: durationMs.min(100), capMs: durationMs.min(1000) });
