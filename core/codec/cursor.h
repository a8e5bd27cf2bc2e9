/* codec/cursor.h -- pull reader over checked JSON text, for handlers that are written in C.
 * See <sioc/args.h> for its public face, which this implements. */
#ifndef CODEC_CURSOR_H
#define CODEC_CURSOR_H

#include <sioc/args.h>

#endif
