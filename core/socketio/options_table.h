/* socketio/options_table.h -- the table of all options, a row each. */
#ifndef SIO_OPTIONS_TABLE_H
#define SIO_OPTIONS_TABLE_H

#include "socketio/options.h"

struct sio_option {
    struct sioc_option_info info;
    size_t offset; /* of the value, in struct sioc_options */
};

extern const struct sio_option sio_option_table[];
extern const size_t sio_option_count;

#endif
