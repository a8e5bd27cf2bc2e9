/* Frames: the bytes on a WebSocket, and the polling payload made of them (protocol.md 1.8). */
#include "base/str.h"
#include "engineio/frame.h"
#include "engineio/packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_bytes(const struct eio_frame *f, const void *bytes, size_t len)
{
    assert_int_equal(f->chunk.len, len);
    assert_memory_equal(f->chunk.bytes, bytes, len);
}

static void assert_payload(const struct eio_frame *f, struct sioc_str want)
{
    struct buf out;
    buf_init(&out);
    eio_frame_to_payload(f, &out);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.bytes, want.ptr, want.len);
    buf_deinit(&out);
}

static void frames_a_probe_answer(void **state)
{
    (void)state;
    struct eio_frame *f = eio_frame_packet(STR("3probe"));
    assert_bytes(f,
                 "\x81\x06"
                 "3probe",
                 8);
    assert_payload(f, STR("3probe"));
    eio_frame_unref(f);
}

static void frames_a_message(void **state)
{
    (void)state;
    struct eio_frame *f = eio_frame_message(STR("2"), STR("[\"a\"]"), NULL, 0);
    assert_bytes(f,
                 "\x81\x07"
                 "42[\"a\"]",
                 9);
    assert_payload(f, STR("42[\"a\"]"));
    eio_frame_unref(f);
}

static void puts_attachments_behind(void **state)
{
    (void)state;
    struct sioc_buffer *binary = sioc_buffer_new(sioc_str_n("\x01\x02\xff", 3));
    struct sioc_buffer *empty = sioc_buffer_new(STR(""));
    struct sioc_buffer *both[] = {binary, empty};
    struct eio_frame *f = eio_frame_message(STR("52-"), STR("[]"), both, 2);
    assert_bytes(f,
                 "\x81\x06"
                 "452-[]"
                 "\x82\x03\x01\x02\xff"
                 "\x82\x00",
                 15);
    assert_payload(f, STR("452-[]\x1e"
                          "bAQL/\x1e"
                          "b"));
    eio_frame_unref(f);
    sioc_buffer_unref(binary);
    sioc_buffer_unref(empty);
}

static void joins_payloads_of_several_frames(void **state)
{
    (void)state;
    struct eio_frame *ping = eio_frame_packet(STR("2"));
    struct eio_frame *message = eio_frame_message(STR("0"), STR("{}"), NULL, 0);
    struct buf out;
    buf_init(&out);
    eio_frame_to_payload(ping, &out);
    eio_frame_to_payload(message, &out);
    assert_true(str_eq(buf_str(&out), STR("2\x1e"
                                          "40{}")));
    buf_deinit(&out);
    eio_frame_unref(ping);
    eio_frame_unref(message);
}

static void survives_every_length_class(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 123, 124, 125, 126, 65533, 65534, 65535, 65536, 200000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *body = test_malloc(lengths[i] + 1);
        memset(body, 'x', lengths[i]);
        struct eio_frame *f =
            eio_frame_message(STR("2"), sioc_str_n(body, lengths[i]), NULL, 0);
        struct buf out;
        buf_init(&out);
        eio_frame_to_payload(f, &out);
        assert_int_equal(out.len, lengths[i] + 2);
        assert_memory_equal(out.bytes + 2, body, lengths[i]);
        buf_deinit(&out);
        eio_frame_unref(f);
        test_free(body);
    }
}

static void splits_packets(void **state)
{
    (void)state;
    struct sioc_str data;
    assert_int_equal(eio_packet_split(STR("42[]"), &data), EIO_MESSAGE);
    assert_true(str_eq(data, STR("2[]")));
    assert_int_equal(eio_packet_split(STR("bAA=="), &data), EIO_BINARY);
    assert_int_equal(eio_packet_split(STR("2probe"), &data), EIO_PING);
    assert_int_equal(eio_packet_split(STR(""), &data), EIO_INVALID);
    assert_int_equal(eio_packet_split(STR("7"), &data), EIO_INVALID);
    assert_int_equal(eio_packet_split(STR("a"), &data), EIO_INVALID);
    assert_int_equal(eio_packet_split(STR("/"), &data), EIO_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_a_probe_answer),
        cmocka_unit_test(frames_a_message),
        cmocka_unit_test(puts_attachments_behind),
        cmocka_unit_test(joins_payloads_of_several_frames),
        cmocka_unit_test(survives_every_length_class),
        cmocka_unit_test(splits_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
