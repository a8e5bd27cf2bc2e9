/* http/chars.h -- which bytes RFC 9110 allows where. */
#ifndef HTTP_CHARS_H
#define HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

/* tchar: what names of methods and headers are made of. */
static inline bool http_is_token_char(uint8_t c)
{
    static const uint32_t allowed[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
    return allowed[c / 32] >> c % 32 & 1;
}

/* HTAB, SP, VCHAR and obs-text: what header values are made of. */
static inline bool http_is_value_char(uint8_t c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* Visible ASCII. */
static inline bool http_is_target_char(uint8_t c)
{
    return c > 0x20 && c < 0x7f;
}

#endif
