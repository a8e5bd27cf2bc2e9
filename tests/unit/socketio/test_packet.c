/* Packet heads: what is accepted, what is refused and in which words (protocol.md 3.1, E130 to
 * E156). */
#include "socketio/packet.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NO_ID UINT64_MAX

static const struct good {
    const char *text;
    enum sioc_packet_type type;
    uint32_t attachments;
    const char *nsp;
    uint64_t id;
    const char *data;
} good[] = {
    {"0", SIOC_PACKET_CONNECT, 0, "/", NO_ID, ""},
    {"0{\"token\":1}", SIOC_PACKET_CONNECT, 0, "/", NO_ID, "{\"token\":1}"},
    {"0/admin", SIOC_PACKET_CONNECT, 0, "/admin", NO_ID, ""},
    {"0/admin,", SIOC_PACKET_CONNECT, 0, "/admin", NO_ID, ""},
    {"0/admin,{}", SIOC_PACKET_CONNECT, 0, "/admin", NO_ID, "{}"},
    {"0/,", SIOC_PACKET_CONNECT, 0, "/", NO_ID, ""},
    {"0/admin{\"a\":1}", SIOC_PACKET_CONNECT, 0, "/admin{\"a\":1}", NO_ID, ""},
    {"05", SIOC_PACKET_CONNECT, 0, "/", 5, ""},
    {"1", SIOC_PACKET_DISCONNECT, 0, "/", NO_ID, ""},
    {"1/admin,", SIOC_PACKET_DISCONNECT, 0, "/admin", NO_ID, ""},
    {"2[\"a\",1]", SIOC_PACKET_EVENT, 0, "/", NO_ID, "[\"a\",1]"},
    {"2", SIOC_PACKET_EVENT, 0, "/", NO_ID, ""},
    {"2/admin,5[\"a\"]", SIOC_PACKET_EVENT, 0, "/admin", 5, "[\"a\"]"},
    {"2/,[\"a\"]", SIOC_PACKET_EVENT, 0, "/", NO_ID, "[\"a\"]"},
    {"2007[\"a\"]", SIOC_PACKET_EVENT, 0, "/", 7, "[\"a\"]"},
    {"20[\"a\"]", SIOC_PACKET_EVENT, 0, "/", 0, "[\"a\"]"},
    {"29007199254740991[]", SIOC_PACKET_EVENT, 0, "/", 9007199254740991u, "[]"},
    {"30[]", SIOC_PACKET_ACK, 0, "/", 0, "[]"},
    {"30", SIOC_PACKET_ACK, 0, "/", 0, ""},
    {"3[\"r\"]", SIOC_PACKET_ACK, 0, "/", NO_ID, "[\"r\"]"},
    {"4{\"message\":1}", SIOC_PACKET_CONNECT_ERROR, 0, "/", NO_ID, "{\"message\":1}"},
    {"51-[\"a\"]", SIOC_PACKET_EVENT, 1, "/", NO_ID, "[\"a\"]"},
    {"510-/x,3[\"a\"]", SIOC_PACKET_EVENT, 10, "/x", 3, "[\"a\"]"},
    {"62-7[]", SIOC_PACKET_ACK, 2, "/", 7, "[]"},
};

static const struct bad {
    const char *text, *error;
} bad[] = {
    {"", "unknown packet type NaN"},
    {"8", "unknown packet type 8"},
    {"a", "unknown packet type NaN"},
    {"-1", "unknown packet type NaN"},
    {"7[\"a\"]", "unknown packet type 7"},
    {"50-[\"a\"]", "Illegal attachments"},
    {"5[\"a\"]", "Illegal attachments"},
    {"51[\"a\"]", "Illegal attachments"},
    {"5-[\"a\"]", "Illegal attachments"},
    {"5-1-[\"a\"]", "Illegal attachments"},
    {"51.5-[\"a\"]", "Illegal attachments"},
    {"501-[\"a\"]", "Illegal attachments"},
    {"51", "Illegal attachments"},
    {"511-[\"a\"]", "too many attachments"},
    {"599999999999999999999-[\"a\"]", "too many attachments"},
    {"0admin,", "invalid payload"},
    {"0[1]", "invalid payload"},
    {"0\"abc\"", "invalid payload"},
    {"0null", "invalid payload"},
    {"1{\"a\":1}", "invalid payload"},
    {"2{\"a\":1}", "invalid payload"},
    {"2abc[\"x\"]", "invalid payload"},
    {"21e3[\"hello\"]", "invalid payload"},
    {"29007199254740992[]", "invalid payload"},
    {"299999999999999999999999999[]", "invalid payload"},
    {"30{\"a\":1}", "invalid payload"},
    {"4[1]", "invalid payload"},
    {"4", "invalid payload"},
    {"51-", "invalid payload"},
};

static void accepts_what_the_protocol_allows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const struct good *g = &good[i];
        struct sioc_packet p;
        const char *error = NULL;
        print_message("%s\n", g->text);
        assert_int_equal(sio_packet_read(sioc_str(g->text), 10, &p, &error), 0);
        assert_int_equal(p.type, g->type);
        assert_int_equal(p.attachments, g->attachments);
        assert_true(str_eq(p.nsp, sioc_str(g->nsp)));
        assert_int_equal(p.has_id, g->id != NO_ID);
        if (p.has_id)
            assert_int_equal(p.id, g->id);
        assert_true(str_eq(p.data, sioc_str(g->data)));
    }
}

static void refuses_in_the_reference_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sioc_packet p;
        const char *error = NULL;
        print_message("%s\n", bad[i].text);
        assert_int_equal(sio_packet_read(sioc_str(bad[i].text), 10, &p, &error), SIOC_EPROTO);
        assert_string_equal(error, bad[i].error);
    }
}

static void reads_any_prefix_without_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        for (size_t len = 0; len <= strlen(good[i].text); len++) {
            /* an exact copy, so that the sanitizer sees a read beyond the end */
            char *copy = test_malloc(len + 1);
            memcpy(copy, good[i].text, len);
            struct sioc_packet p;
            const char *error = NULL;
            int result = sio_packet_read(sioc_str_n(copy, len), 10, &p, &error);
            assert_true(result == 0 || (result == SIOC_EPROTO && error));
            test_free(copy);
        }
    }
}

static void writes_heads(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out);
    uint64_t id = 12;
    sio_packet_write_head(
        &out, &(struct sioc_packet_head){.type = SIOC_PACKET_EVENT, .nsp = STR("/")});
    buf_putc(&out, ' ');
    sio_packet_write_head(
        &out, &(struct sioc_packet_head){
                  .type = SIOC_PACKET_EVENT, .nsp = STR("/admin"), .has_id = true, .id = id});
    buf_putc(&out, ' ');
    sio_packet_write_head(&out, &(struct sioc_packet_head){.type = SIOC_PACKET_ACK,
                                                           .attachments = 3,
                                                           .nsp = STR("/"),
                                                           .has_id = true,
                                                           .id = id});
    buf_putc(&out, ' ');
    sio_packet_write_head(
        &out, &(struct sioc_packet_head){.type = SIOC_PACKET_DISCONNECT, .nsp = STR("/admin")});
    assert_true(str_eq(buf_str(&out), STR("2 2/admin,12 63-12 1/admin,")));
    buf_deinit(&out);
}

static void knows_reserved_names(void **state)
{
    (void)state;
    static const char *const reserved[] = {"connect",       "connect_error", "disconnect",
                                           "disconnecting", "newListener",   "removeListener"};
    static const char *const free_names[] = {"",        "connection", "error",
                                             "message", "connec",     "Connect"};
    for (size_t i = 0; i < 6; i++) {
        assert_true(sio_event_is_reserved(sioc_str(reserved[i])));
        assert_false(sio_event_is_reserved(sioc_str(free_names[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_the_protocol_allows),
        cmocka_unit_test(refuses_in_the_reference_words),
        cmocka_unit_test(reads_any_prefix_without_harm),
        cmocka_unit_test(writes_heads),
        cmocka_unit_test(knows_reserved_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
