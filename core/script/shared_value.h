/* script/shared_value.h -- a value as the shared store keeps it: msgpack, in one way only.
 *
 * Keys of maps are sorted and numbers have one form, so two values are equal exactly when their
 * bytes are.  Knows no store.
 */
#ifndef SCRIPT_SHARED_VALUE_H
#define SCRIPT_SHARED_VALUE_H

#include "base/buf.h"
#include <sioc/shared.h>

#define SCRIPT_VALUE_DEPTH 64

/* The bytes, borrowed until the value is written anew; len 0: there is no whole value. */
struct sioc_str script_value_bytes(const struct sioc_shared_value *value);

/* From bytes that were made here. */
int script_value_read(struct sioc_str bytes, struct sioc_sink *sink);
/* Whether they are a number. */
bool script_value_number(struct sioc_str bytes, struct sioc_shared_number *ret_number);
/* Appends a number's bytes; buf's sticky error. */
void script_value_put_number(struct buf *out, struct sioc_shared_number number);

#endif
