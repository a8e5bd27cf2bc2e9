/* Engine.IO v3: packets, payloads, JSONP and frames, byte by byte (protocol.md 2). */
#include "base/str.h"
#include "engineio/eio3.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BYTES(literal) sioc_str_n("" literal, sizeof(literal) - 1)

static void assert_str(struct sioc_str got, struct sioc_str want)
{
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.len ? got.ptr : "", want.len ? want.ptr : "", want.len);
}

/* ---- packets ---- */

static void splits_text_packets(void **state)
{
    (void)state;
    struct sioc_str data;
    assert_int_equal(eio_v3_packet_split(STR("42[]"), &data), EIO_MESSAGE);
    assert_str(data, STR("2[]"));
    assert_int_equal(eio_v3_packet_split(STR("2probe"), &data), EIO_PING);
    assert_int_equal(eio_v3_packet_split(STR("b4AQL/"), &data), EIO_BINARY);
    assert_str(data, STR("AQL/"));
    assert_int_equal(eio_v3_packet_split(STR("b4"), &data), EIO_BINARY);
    assert_str(data, STR(""));
    assert_int_equal(eio_v3_packet_split(STR("b2AQ=="), &data), EIO_PING);
    static const char *const bad[] = {"", "7", "a", "b", "bb4", "b7", "bAQL/"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(eio_v3_packet_split(sioc_str(bad[i]), &data), EIO_INVALID);
}

static void splits_binary_packets(void **state)
{
    (void)state;
    struct sioc_str data;
    assert_int_equal(eio_v3_binary_split(BYTES("\x04\x01\x02\xff"), &data), EIO_BINARY);
    assert_str(data, BYTES("\x01\x02\xff"));
    assert_int_equal(eio_v3_binary_split(BYTES("\x04"), &data), EIO_BINARY);
    assert_str(data, STR(""));
    assert_int_equal(eio_v3_binary_split(BYTES("\x02x"), &data), EIO_PING);
    assert_int_equal(eio_v3_binary_split(BYTES("\0"), &data), EIO_OPEN);
    assert_int_equal(eio_v3_binary_split(BYTES("\x07"), &data), EIO_INVALID);
    assert_int_equal(eio_v3_binary_split(STR("4"), &data), EIO_INVALID);
    assert_int_equal(eio_v3_binary_split(STR(""), &data), EIO_INVALID);
}

/* ---- the text form ---- */

/* Reads the whole payload: the packets joined with '|', then '.' at a clean end or '!'. */
static void assert_text(struct sioc_str payload, const char *want)
{
    struct buf got;
    struct sioc_str packet;
    int more;
    buf_init(&got);
    while ((more = eio_v3_text_next(&payload, &packet)) == 1) {
        buf_put_str(&got, packet);
        buf_putc(&got, '|');
    }
    buf_putc(&got, more == 0 ? '.' : '!');
    if (more)
        assert_int_equal(more, SIOC_EPROTO);
    assert_str(buf_str(&got), sioc_str(want));
    buf_deinit(&got);
}

static void reads_text_payloads(void **state)
{
    (void)state;
    assert_text(STR(""), ".");
    assert_text(STR("2:40"), "40|.");
    assert_text(STR("12:42[\"echo\",1]12:42[\"echo\",2]1:2"),
                "42[\"echo\",1]|42[\"echo\",2]|2|.");
    assert_text(STR("0:"), "|.");
    assert_text(STR("0:1:20:"), "|2||.");
    assert_text(STR("01:2"), "2|.");
    assert_text(STR("3:4:x1:2"), "4:x|2|."); /* a colon inside */
}

static void counts_utf16_units(void **state)
{
    (void)state;
    /* é 1, € 1, U+1F600 2, U+FFFF 1, U+10000 2 */
    assert_text(STR("17:42[\"echo\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]1:2"),
                "42[\"echo\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]|2|.");
    assert_text(STR("2:4\xef\xbf\xbf"), "4\xef\xbf\xbf|.");
    assert_text(STR("3:4\xf0\x90\x80\x80"), "4\xf0\x90\x80\x80|.");
    /* in bytes, in characters, and into the middle of a pair */
    assert_text(STR("15:42[\"echo\",\"\xc3\xa9\"]"), "!");
    assert_text(STR("2:4\xf0\x90\x80\x80"), "!");
    assert_text(STR("4:4\xf0\x90\x80\x80"), "!");
}

static void refuses_bad_lengths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        ":",
        ":2",
        "2",
        "12",
        "-1:2",
        "+1:2",
        " 1:2",
        "1 :2",
        "1.0:2",
        "1e0:2",
        "0x1:",
        "a:2",
        "abc",
        "1:",
        "2:2",
        "99:2",
        "18446744073709551617:2",
        "\xc3\xa9:2",
        "1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_text(sioc_str(bad[i]), "!");
    assert_text(STR("1:2abc"), "2|!"); /* what stood before was good */
    assert_text(STR("1:299999999999999999999999999:x"), "2|!");
}

static void text_cut_anywhere_is_never_whole(void **state)
{
    (void)state;
    static const char whole[] = "17:42[\"echo\",\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]";
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        char *copy = test_malloc(len); /* of that size, so that tools see a step too far */
        memcpy(copy, whole, len);
        assert_text(sioc_str_n(copy, len), "!");
        test_free(copy);
    }
}

/* ---- the binary form ---- */

/* As assert_text; a binary packet is written with "#" in front. */
static void assert_binary(struct sioc_str payload, struct sioc_str want)
{
    struct buf got;
    struct sioc_str packet;
    bool binary;
    int more;
    buf_init(&got);
    while ((more = eio_v3_binary_next(&payload, &binary, &packet)) == 1) {
        if (binary)
            buf_putc(&got, '#');
        buf_put_str(&got, packet);
        buf_putc(&got, '|');
    }
    buf_putc(&got, more == 0 ? '.' : '!');
    assert_str(buf_str(&got), want);
    buf_deinit(&got);
}

static void reads_binary_payloads(void **state)
{
    (void)state;
    assert_binary(STR(""), STR("."));
    assert_binary(BYTES("\x00\x05\xff"
                        "42[1]"
                        "\x01\x04\xff\x04\x01\x02\xff"),
                  BYTES("42[1]|#\x04\x01\x02\xff|."));
    /* lengths of text are bytes here */
    assert_binary(BYTES("\x00\x03\xff"
                        "4\xc3\xa9"),
                  BYTES("4\xc3\xa9|."));
    assert_binary(BYTES("\x00\x01\x02\xff"
                        "4abcdefghijk"),
                  STR("4abcdefghijk|."));
    assert_binary(BYTES("\x01\x00\xff"), STR("#|."));
    assert_binary(BYTES("\x00\x00\x00\x01\xff"
                        "2"),
                  STR("2|."));
}

static void refuses_bad_binary_payloads(void **state)
{
    (void)state;
    assert_binary(BYTES("\x02\x01\xff"
                        "2"),
                  STR("!")); /* neither text nor binary */
    assert_binary(STR("1:2"), STR("!"));
    assert_binary(BYTES("\x00\x0a\xff"
                        "2222222222"),
                  STR("!"));                    /* no digit */
    assert_binary(BYTES("\x00\xff"), STR("!")); /* no length */
    assert_binary(BYTES("\x00\x02\xff"
                        "2"),
                  STR("!")); /* beyond the end: the reference takes what is there */
    assert_binary(BYTES("\x00\x02\xff\xc3\x28"), STR("!")); /* no UTF-8 */
    char nines[400];
    memset(nines, 9, sizeof nines);
    nines[0] = 1;
    assert_binary(sioc_str_n(nines, sizeof nines), STR("!"));
    nines[sizeof nines - 1] = (char)0xff;
    assert_binary(sioc_str_n(nines, sizeof nines), STR("!"));
}

static void binary_cut_anywhere_is_never_whole(void **state)
{
    (void)state;
    static const char whole[] = "\x00\x01\x02\xff"
                                "4abcdefghijk";
    for (size_t len = 1; len < sizeof whole - 1; len++) {
        char *copy = test_malloc(len);
        memcpy(copy, whole, len);
        assert_binary(sioc_str_n(copy, len), STR("!"));
        test_free(copy);
    }
}

/* ---- writing ---- */

static struct eio_frame *frame_with(struct sioc_str text, struct sioc_str bytes)
{
    struct sioc_buffer *binary = sioc_buffer_new(bytes);
    struct eio_frame *f = eio_frame_message(text, STR(""), &binary, 1);
    sioc_buffer_unref(binary);
    assert_non_null(f);
    return f;
}

static void writes_both_forms(void **state)
{
    (void)state;
    struct eio_frame *f = frame_with(STR("51-[\"\xc3\xa9\"]"), BYTES("\x01\x02\xff"));
    struct buf out;
    buf_init(&out);
    assert_true(eio_v3_has_binary(f));
    eio_v3_put_frame(&out, false, f);
    eio_v3_put_packet(&out, false, STR("1"));
    assert_str(buf_str(&out), STR("9:451-[\"\xc3\xa9\"]6:b4AQL/1:1"));
    buf_reset(&out);
    eio_v3_put_frame(&out, true, f);
    eio_v3_put_packet(&out, true, STR("1"));
    assert_str(buf_str(&out), BYTES("\x00\x01\x00\xff"
                                    "451-[\"\xc3\xa9\"]"
                                    "\x01\x04\xff\x04\x01\x02\xff"
                                    "\x00\x01\xff"
                                    "1"));
    buf_reset(&out);
    eio_v3_put_packet(&out, false, STR("4\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    assert_str(buf_str(&out), STR("5:4\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    buf_deinit(&out);
    eio_frame_unref(f);
}

/* ---- JSONP ---- */

static void assert_unescaped(const char *text, const char *want)
{
    struct buf out;
    buf_init(&out);
    eio_v3_jsonp_unescape(&out, sioc_str(text));
    assert_str(buf_str(&out), sioc_str(want));
    buf_deinit(&out);
}

static void removes_jsonp_escapes(void **state)
{
    (void)state;
    assert_unescaped("", "");
    assert_unescaped("2:40", "2:40");
    assert_unescaped("a\\nb", "a\nb");
    assert_unescaped("\\\\n", "\\n");
    assert_unescaped("\\\\\\n", "\\\\n");
    assert_unescaped("\\\\\\\\n", "\\\\\\n");
    assert_unescaped("\\n\\n\\\\n", "\n\n\\n");
    assert_unescaped("\\", "\\");
    assert_unescaped("\\\\", "\\\\");
    assert_unescaped("\\t\\\\t\\", "\\t\\\\t\\");
    assert_unescaped("n\\", "n\\");
}

static void assert_script(const char *index, struct sioc_str payload, const char *want)
{
    struct buf out;
    buf_init(&out);
    eio_v3_jsonp_put(&out, sioc_str(index), payload);
    assert_str(buf_str(&out), sioc_str(want));
    buf_deinit(&out);
}

static void writes_scripts(void **state)
{
    (void)state;
    assert_script("0", STR("2:40"), "___eio[0](\"2:40\");");
    assert_script("1x2", STR(""), "___eio[12](\"\");");
    assert_script("\");alert(1)//", STR("\"\\\n"), "___eio[1](\"\\\"\\\\\\n\");");
    assert_script("", STR("1:6"), "___eio[](\"1:6\");");
    assert_script("7", STR("\xe2\x80\xa8\xc3\xa9\xe2\x80\xa9\xe2\x80\xa6"),
                  "___eio[7](\"\\u2028\xc3\xa9\\u2029\xe2\x80\xa6\");");
}

/* ---- frames ---- */

static void shares_frames_without_binary(void **state)
{
    (void)state;
    struct eio_frame *f = eio_frame_message(STR("2"), STR("[1]"), NULL, 0);
    assert_ptr_equal(eio_v3_frame(f, false), f);
    assert_ptr_equal(eio_v3_frame(f, true), f);
    assert_false(eio_v3_has_binary(f));
    eio_frame_unref(f);
}

static void translates_frames_once(void **state)
{
    (void)state;
    struct eio_frame *f = frame_with(STR("51-[]"), BYTES("\x01\x02\xff"));
    struct eio_frame *bytes = eio_v3_frame(f, false), *text = eio_v3_frame(f, true);
    assert_str(sioc_str_n(bytes->chunk.bytes, bytes->chunk.len),
               BYTES("\x81\x06"
                     "451-[]"
                     "\x82\x04\x04\x01\x02\xff"));
    assert_str(sioc_str_n(text->chunk.bytes, text->chunk.len), STR("\x81\x06"
                                                                   "451-[]"
                                                                   "\x81\x06"
                                                                   "b4AQL/"));
    assert_ptr_equal(eio_v3_frame(f, false), bytes);
    assert_ptr_equal(eio_v3_frame(f, true), text);
    eio_frame_unref(f); /* and both with it: the sanitizer would tell */
}

static void translates_every_length_class(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 124, 125, 126, 65534, 65535, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        char *data = test_calloc(lengths[i] + 1, 1);
        struct eio_frame *f = frame_with(STR("51-[]"), sioc_str_n(data, lengths[i]));
        struct eio_frame *v3 = eio_v3_frame(f, false);
        struct sioc_str packet;
        bool binary;
        size_t pos = 0;
        assert_true(eio_frame_next(v3, &pos, &binary, &packet));
        assert_true(eio_frame_next(v3, &pos, &binary, &packet));
        assert_true(binary);
        assert_int_equal(packet.len, 1 + lengths[i]);
        assert_int_equal(packet.ptr[0], 4);
        assert_false(eio_frame_next(v3, &pos, &binary, &packet));
        eio_frame_unref(f);
        test_free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_text_packets),
        cmocka_unit_test(splits_binary_packets),
        cmocka_unit_test(reads_text_payloads),
        cmocka_unit_test(counts_utf16_units),
        cmocka_unit_test(refuses_bad_lengths),
        cmocka_unit_test(text_cut_anywhere_is_never_whole),
        cmocka_unit_test(reads_binary_payloads),
        cmocka_unit_test(refuses_bad_binary_payloads),
        cmocka_unit_test(binary_cut_anywhere_is_never_whole),
        cmocka_unit_test(writes_both_forms),
        cmocka_unit_test(removes_jsonp_escapes),
        cmocka_unit_test(writes_scripts),
        cmocka_unit_test(shares_frames_without_binary),
        cmocka_unit_test(translates_frames_once),
        cmocka_unit_test(translates_every_length_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
