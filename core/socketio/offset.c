/* socketio/offset.c -- see offset.h. */
#include "socketio/offset.h"
#include <string.h>

#define PREFIX_LEN 7

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

int sio_offset_init(struct sio_offset *offset)
{
    int error = rand_id(offset->prefix);
    offset->prefix[PREFIX_LEN] = '\0';
    return error;
}

struct sioc_str sio_offset_write(struct sio_offset *offset, uint64_t number)
{
    char *end = offset->text + sizeof offset->text, *at = end;
    do {
        *--at = digits[number & 63];
        number >>= 6;
    } while (number);
    at -= PREFIX_LEN;
    memcpy(at, offset->prefix, PREFIX_LEN);
    return sioc_str_n(at, (size_t)(end - at));
}

bool sio_offset_read(const struct sio_offset *offset, struct sioc_str text,
                     uint64_t *ret_number)
{
    uint64_t number = 0;
    if (text.len <= PREFIX_LEN || text.len >= OFFSET_SIZE ||
        memcmp(text.ptr, offset->prefix, PREFIX_LEN) != 0)
        return false;
    for (size_t i = PREFIX_LEN; i < text.len; i++) {
        const char *digit = text.ptr[i] ? strchr(digits, text.ptr[i]) : NULL;
        if (!digit || number >> 58)
            return false;
        number = number << 6 | (uint64_t)(digit - digits);
    }
    *ret_number = number;
    return true;
}
