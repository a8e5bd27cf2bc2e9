/* ws/fault.c -- see fault.h. */
#include "ws/fault.h"
#include "ws/frame.h"
#include <stdio.h>

enum {
    BAD_PROTOCOL = 1002,
    BAD_DATA = 1007,
    BAD_POLICY = 1008,
    BAD_SIZE = 1009,
    OUR_FAULT = 1011,
};

static const struct {
    int status;
    bool numbered;
    const char *text;
} faults[] = {
    [WS_FAULT_NONE] = {0, false, ""},
    [WS_FAULT_MASK] = {BAD_PROTOCOL, false, "Invalid WebSocket frame: MASK must be set"},
    [WS_FAULT_RSV1] = {BAD_PROTOCOL, false, "Invalid WebSocket frame: RSV1 must be clear"},
    [WS_FAULT_RSV23] = {BAD_PROTOCOL, false,
                        "Invalid WebSocket frame: RSV2 and RSV3 must be clear"},
    [WS_FAULT_FIN] = {BAD_PROTOCOL, false, "Invalid WebSocket frame: FIN must be set"},
    [WS_FAULT_OPCODE] = {BAD_PROTOCOL, true, "Invalid WebSocket frame: invalid opcode"},
    [WS_FAULT_LENGTH] = {BAD_PROTOCOL, true, "Invalid WebSocket frame: invalid payload length"},
    [WS_FAULT_LONG_FORM] = {BAD_PROTOCOL, false,
                            "Invalid WebSocket frame: payload length not in its shortest form"},
    [WS_FAULT_CLOSE_CODE] = {BAD_PROTOCOL, true,
                             "Invalid WebSocket frame: invalid status code"},
    [WS_FAULT_UTF8] = {BAD_DATA, false, "Invalid WebSocket frame: invalid UTF-8 sequence"},
    [WS_FAULT_DEFLATED] = {BAD_DATA, false, "invalid compressed data"},
    [WS_FAULT_SIZE] = {BAD_SIZE, false, "Max payload size exceeded"},
    [WS_FAULT_COUNT] = {BAD_SIZE, false,
                        "Unsupported WebSocket frame: payload length > 2^53 - 1"},
    [WS_FAULT_FRAGMENTS] = {BAD_POLICY, false, "Too many message fragments"},
    [WS_FAULT_PINGS] = {BAD_POLICY, false, "too many pings"},
    [WS_FAULT_SLOW] = {BAD_POLICY, false, "a message was not complete in time"},
    [WS_FAULT_FLOOD] = {BAD_POLICY, false, "too much in too short a time"},
    [WS_FAULT_MEMORY] = {OUR_FAULT, false, "out of memory"},
};

int ws_fault_status(enum ws_fault fault)
{
    return faults[fault].status;
}

void ws_fault_text(enum ws_fault fault, unsigned number, char ret_text[WS_FAULT_TEXT])
{
    if (faults[fault].numbered)
        snprintf(ret_text, WS_FAULT_TEXT, "%s %u", faults[fault].text, number);
    else
        snprintf(ret_text, WS_FAULT_TEXT, "%s", faults[fault].text);
}

/* A length of eight bytes whose number is beyond 2^53 - 1. */
static bool is_uncountable(const uint8_t *bytes)
{
    return (bytes[1] & 0x7f) == 127 && (bytes[2] || bytes[3] & 0xe0);
}

enum ws_fault ws_fault_of_head(struct sioc_str head, int error, unsigned *ret_number)
{
    const uint8_t *bytes = (const uint8_t *)head.ptr;
    unsigned opcode = bytes[0] & 0x0f;
    bool control = opcode >= WS_CLOSE;
    *ret_number = opcode;
    if (error == SIOC_ETOOBIG)
        return is_uncountable(bytes) ? WS_FAULT_COUNT : WS_FAULT_SIZE;
    if (bytes[0] & 0x30)
        return WS_FAULT_RSV23;
    if ((opcode > WS_BINARY && !control) || opcode > WS_PONG)
        return WS_FAULT_OPCODE;
    if (control && !(bytes[0] & 0x80))
        return WS_FAULT_FIN;
    if (control && bytes[0] & 0x40)
        return WS_FAULT_RSV1;
    *ret_number = bytes[1] & 0x7f;
    return control ? WS_FAULT_LENGTH : WS_FAULT_LONG_FORM;
}

enum ws_fault ws_fault_of_inflating(int status)
{
    return status == BAD_SIZE    ? WS_FAULT_SIZE
           : status == OUR_FAULT ? WS_FAULT_MEMORY
                                 : WS_FAULT_DEFLATED;
}
