/* base/clock.h -- time.  Everything inside sioc counts monotonic milliseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_ns(void);
static inline uint64_t clock_mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}
/* Milliseconds since 1970, for what people read. */
int64_t clock_wall_ms(void);
/* "2026-11-21T07:14:42.123Z" and a NUL. */
void clock_iso(int64_t wall_ms, char ret_text[25]);
/* "Sat Nov 21 2026 07:14:42 GMT+0000 (Coordinated Universal Time)", as handshake.time is. */
void clock_js_date(int64_t wall_ms, char ret_text[64]);
/* "Sat, 21 Nov 2026 07:14:42 GMT" (RFC 9110 5.6.7). */
void clock_http_date(int64_t wall_ms, char ret_text[30]);

#endif
