/* ws/fault.h -- what a peer can do wrong on a WebSocket: the status of the close frame, and
 * words for whoever has to find out why (those of the npm package ws, where it knows the
 * fault).
 */
#ifndef WS_FAULT_H
#define WS_FAULT_H

#include <sioc/base.h>

enum ws_fault {
    WS_FAULT_NONE,
    WS_FAULT_MASK,       /* not masked */
    WS_FAULT_RSV1,       /* compressed, which was not agreed upon or makes no sense */
    WS_FAULT_RSV23,      /* reserved bits */
    WS_FAULT_FIN,        /* a control frame in pieces */
    WS_FAULT_OPCODE,     /* unknown, or not now; number: which */
    WS_FAULT_LENGTH,     /* of a control frame; number: the length */
    WS_FAULT_LONG_FORM,  /* a length that is not written in its shortest form */
    WS_FAULT_CLOSE_CODE, /* number: which */
    WS_FAULT_UTF8,
    WS_FAULT_DEFLATED,  /* cannot be inflated */
    WS_FAULT_SIZE,      /* more than we take */
    WS_FAULT_COUNT,     /* longer than others can count */
    WS_FAULT_FRAGMENTS, /* too many empty ones */
    WS_FAULT_PINGS,     /* too many */
    WS_FAULT_SLOW,      /* a message that does not end in time */
    WS_FAULT_FLOOD,     /* more than a client's share */
    WS_FAULT_MEMORY,    /* ours has ended */
};

/* For the close frame: 1002, 1007, 1008, 1009 or 1011. */
int ws_fault_status(enum ws_fault fault);
#define WS_FAULT_TEXT 80
void ws_fault_text(enum ws_fault fault, unsigned number, char ret_text[WS_FAULT_TEXT]);

/* Of a head that ws_frame_read has refused with `error`. */
enum ws_fault ws_fault_of_head(struct sioc_str head, int error, unsigned *ret_number);
/* Of the status that ws_deflate_inflate gave. */
enum ws_fault ws_fault_of_inflating(int status);

#endif
