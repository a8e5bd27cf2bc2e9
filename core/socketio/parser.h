/* socketio/parser.h -- the parsers that are built in, and how others are found by name.  What a
 * parser is: <sioc/parser.h>; it is the one place where this floor knows an encoding. */
#ifndef SOCKETIO_PARSER_H
#define SOCKETIO_PARSER_H

#include "socketio/options.h"
#include <sioc/parser.h>

extern const struct sioc_parser sio_parser_json, sio_parser_msgpack;

/* The built-in one of that name, or one that the options know; or NULL. */
const struct sioc_parser *sio_parser_find(const struct sioc_options *options, const char *name);

/* `value` of the option "parser": *ret_name is the name of the parser that is meant.  A path is
 * loaded.  0, or SIOC_EINVAL with a sentence, SIOC_ENOMEM. */
int sio_parser_choose(struct sioc_options *options, const char *value, const char **ret_name,
                      char *ret_error, size_t cap);

#endif
