/**
 * The states of a call at the client's end of a connection.
 *
 *              last request            status
 *     open ───────────────▶ sent ─────────────────▶ ended
 *      │                      │                       ▲
 *      │ cancel, bad response │                       │
 *      └──────────┬───────────┘                       │
 *                 ▼               status              │
 *             cancelled ──────────────────────────────┘
 *
 * The caller has its answer from `cancelled` on; the number of the call is free again only after the server's status,
 * so that nothing late can reach the number's next call. That is why numbers need no generation. Any state ends with
 * the connection.
 */
export type ClientCallState = "open" | "sent" | "cancelled" | "ended";

/**
 * The states of a call at the server's end.
 *
 *              end of requests           status written
 *     open ────────────────────▶ answering ─────────────▶ ended
 *      │                             │                      ▲
 *      │     handler has ended, messages still wait         │
 *      └──────────────┬──────────────┘                      │
 *                     ▼           the last has left         │
 *                 finishing ────────────────────────────────┘
 *
 * `cancel`, an unacceptable message and the end of the connection lead to `ended` from everywhere.
 */
export type ServerCallState = "open" | "answering" | "finishing" | "ended";
