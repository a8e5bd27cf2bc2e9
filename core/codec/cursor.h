/* codec/cursor.h -- pull reader over checked JSON text, for handlers that are written in C.
 * See <sioc/args.h> for its public face, which this implements. */
#ifndef CODEC_CURSOR_H
#define CODEC_CURSOR_H

#include <sioc/args.h>

/* Starts before the first member of the JSON object in `text`; otherwise as sioc_cursor_init.
 */
int json_cursor_map(struct sioc_cursor *cursor, struct sioc_str text);

#endif
