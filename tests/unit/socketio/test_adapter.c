/* Adapters from a C application's side: two servers in one loop, each of whose adapters hands
 * to the other what it is told; and sessions that only the adapter keeps. */
#include "base/mem.h"
#include "helper_client.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PID "pppppppppppppppppppp"
#define SID "ssssssssssssssssssss"

struct mine {
    struct sioc_adapter adapter; /* first */
    struct sioc_namespace *nsp;
    struct side *side;
};

static struct side {
    struct sioc_server *server;
    struct sioc_namespace *root;
    struct mine *mine; /* of "/" */
    uint16_t port;
} a, b;

static struct sioc_loop *loop;
static char seen[1000]; /* what the adapters and handlers were told */
static bool restores, later;
static uint64_t wanting; /* the socket that waits for its session */

static void note(const char *format, ...) SIOC_PRINTF(1, 2);
static void note(const char *format, ...)
{
    size_t len = strlen(seen);
    va_list args;
    va_start(args, format);
    vsnprintf(seen + len, sizeof seen - len, format, args);
    va_end(args);
}

static struct side *other_of(const struct mine *mine)
{
    return mine->side == &a ? &b : &a;
}

/* ---- the adapter ---- */

static void on_close(struct sioc_adapter *adapter)
{
    struct mine *mine = (struct mine *)adapter;
    if (mine->side->mine == mine)
        mine->side->mine = NULL;
    note("close;");
    free(mine);
}

static int on_add(struct sioc_adapter *adapter, struct sioc_socket *socket,
                  struct sioc_str room)
{
    (void)adapter;
    note("add %.*s;", room.len == 20 ? 2 : (int)room.len, room.len == 20 ? "id" : room.ptr);
    return sioc_local_add(socket, room);
}

static void on_del(struct sioc_adapter *adapter, struct sioc_socket *socket,
                   struct sioc_str room)
{
    (void)adapter;
    note("del %.*s;", SIOC_STR_ARG(room));
    sioc_local_del(socket, room);
}

static void on_del_all(struct sioc_adapter *adapter, struct sioc_socket *socket)
{
    (void)adapter;
    note("del_all;");
    sioc_local_del_all(socket);
}

/* The same message for the other server. */
static struct sioc_message *copy(struct sioc_namespace *nsp, struct sioc_message *m)
{
    struct sioc_message *to;
    if (sioc_message_new_answer(nsp, &to) < 0)
        return NULL;
    if (sioc_message_read(m, sioc_message_sink(to), NULL) == 0)
        return to;
    sioc_message_free(to);
    return NULL;
}

static int on_broadcast(struct sioc_adapter *adapter, const struct sioc_target *target,
                        struct sioc_message *m, const struct sioc_emit *emit)
{
    struct mine *mine = (struct mine *)adapter;
    struct sioc_namespace *there = other_of(mine)->root;
    struct sioc_message *to = target->local ? NULL : copy(there, m);
    struct sioc_target far = *target;
    far.except_socket = 0;
    if (to)
        sioc_local_broadcast(there, &far, to, emit);
    sioc_message_free(to);
    return sioc_local_broadcast(mine->nsp, target, m, emit);
}

struct far {
    struct sioc_server *server;
    uint64_t survey;
};

static int put_first(void *user, struct sioc_sink *sink)
{
    return sioc_event_read(user, sink, NULL);
}

static void on_far_answer(void *user, intptr_t ref, struct sioc_event *event)
{
    struct far *far = user;
    (void)ref;
    if (sioc_event_status(event) == 0)
        sioc_survey_answer(far->server, far->survey, put_first, event);
    else
        sioc_survey_less(far->server, far->survey, 1);
}

static struct far far;

static int on_ask(struct sioc_adapter *adapter, const struct sioc_target *target,
                  struct sioc_message *m, const struct sioc_emit *emit, uint64_t survey)
{
    struct mine *mine = (struct mine *)adapter;
    struct sioc_namespace *there = other_of(mine)->root;
    struct sioc_message *to = copy(there, m);
    struct sioc_emit asking = {.timeout_ms = emit->timeout_ms,
                               .ack = {.call = on_far_answer, .user = &far}};
    int asked = -1;
    far = (struct far){mine->side->server, survey};
    if (to)
        asked = sioc_local_ask(there, target, to, &asking);
    sioc_message_free(to);
    if (asked > 0)
        sioc_survey_expect(far.server, survey, (size_t)asked);
    return sioc_local_broadcast_with_ack(mine->nsp, target, m, emit, survey);
}

static int put_far(void *user, struct sioc_sink *sink)
{
    struct sioc_socket *socket = user;
    sink->ops->map_begin(sink, 1);
    sink->ops->map_key(sink, sioc_str("id"));
    sioc_put_str(sink, sioc_socket_id(socket));
    return sink->ops->map_end(sink);
}

static int put_half(void *user, struct sioc_sink *sink)
{
    (void)user;
    sink->ops->array_begin(sink, 2);
    return SIOC_EIO;
}

static void on_far_socket(void *user, struct sioc_socket *socket)
{
    const struct far *f = user;
    if (sioc_survey_expect(f->server, f->survey, 1) == 0)
        sioc_survey_answer(f->server, f->survey, put_far, socket);
}

static void on_fetch(struct sioc_adapter *adapter, const struct sioc_target *target, bool ids,
                     uint64_t survey)
{
    struct mine *mine = (struct mine *)adapter;
    struct far f = {mine->side->server, survey};
    (void)ids;
    sioc_local_fetch(mine->nsp, target, survey);
    sioc_for_each_socket(other_of(mine)->root, target, on_far_socket, &f);
    sioc_survey_expect(f.server, survey, 1);
    sioc_survey_answer(f.server, survey, put_half, NULL); /* null */
}

static void on_join(struct sioc_adapter *adapter, const struct sioc_target *target,
                    const struct sioc_str *rooms, size_t count)
{
    struct mine *mine = (struct mine *)adapter;
    sioc_local_join(mine->nsp, target, rooms, count);
    sioc_local_join(other_of(mine)->root, target, rooms, count);
}

static void on_servers_answer(void *user, intptr_t ref, struct sioc_event *event)
{
    struct far *f = user;
    (void)ref;
    sioc_survey_answer(f->server, f->survey, put_first, event);
}

static int on_server_side_emit(struct sioc_adapter *adapter, struct sioc_message *m,
                               uint64_t survey)
{
    struct mine *mine = (struct mine *)adapter;
    struct sioc_message *to = copy(other_of(mine)->root, m);
    const struct sioc_handler reply = {.call = on_servers_answer, .user = &far};
    far = (struct far){mine->side->server, survey};
    if (!to)
        return SIOC_ENOMEM;
    if (survey)
        sioc_survey_expect(far.server, survey, 1);
    sioc_servers_event(other_of(mine)->root, to, survey ? &reply : NULL);
    return 1;
}

static void on_persist(struct sioc_adapter *adapter, const struct sioc_session *session)
{
    struct sioc_str room;
    (void)adapter;
    note("persist");
    for (size_t pos = 0; sioc_session_room_next(session, &pos, &room);)
        note(" %.*s", SIOC_STR_ARG(room));
    note(";");
}

static struct sioc_session *make_session(struct sioc_namespace *nsp)
{
    struct sioc_message *m;
    struct sioc_session *session = sioc_session_new(nsp, sioc_str(PID), sioc_str(SID));
    if (!session)
        return NULL;
    sioc_session_add_room(session, sioc_str("kept"));
    sioc_put_int(sioc_session_data(session), 42);
    if (sioc_message_new(nsp, sioc_str("missed"), &m) == 0) {
        sioc_put_text(sioc_message_sink(m), "offset9");
        sioc_session_add_missed(session, m);
    }
    return session;
}

static void on_restore(struct sioc_adapter *adapter, uint64_t socket, struct sioc_str pid,
                       struct sioc_str offset)
{
    struct mine *mine = (struct mine *)adapter;
    note("restore %.*s;", SIOC_STR_ARG(offset));
    wanting = socket;
    if (!later)
        sioc_session_restore(mine->side->server, socket,
                             pid.ptr[0] == 'p' ? make_session(mine->nsp) : NULL);
}

static struct sioc_adapter_ops ops = {
    .close = on_close,
    .add = on_add,
    .del = on_del,
    .del_all = on_del_all,
    .broadcast = on_broadcast,
    .broadcast_with_ack = on_ask,
    .fetch = on_fetch,
    .join = on_join,
    .server_side_emit = on_server_side_emit,
};

static int on_open(void *user, struct sioc_namespace *nsp, struct sioc_adapter **ret_adapter)
{
    struct mine *mine = malloc(sizeof *mine);
    assert_non_null(mine);
    *mine = (struct mine){{&ops}, nsp, user};
    mine->side->mine = mine;
    *ret_adapter = &mine->adapter;
    return 0;
}

/* ---- the servers ---- */

static int put_event(void *user, struct sioc_sink *sink)
{
    (void)user;
    return sioc_put_text(sink, "x");
}

static void on_join_event(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    sioc_socket_join(sioc_event_socket(event), sioc_str("r"));
}

static void on_leave_event(void *user, intptr_t ref, struct sioc_event *event)
{
    (void)user, (void)ref;
    sioc_socket_leave(sioc_event_socket(event), sioc_str("r"));
}

static void on_servers_event(void *user, intptr_t ref, struct sioc_event *event)
{
    struct side *side = user;
    struct sioc_message *m;
    struct sioc_reply reply = sioc_event_reply(event);
    (void)ref;
    note("servers %.*s;", SIOC_STR_ARG(sioc_event_name(event)));
    if (reply.wanted && sioc_message_new_answer(side->root, &m) == 0) {
        put_event(NULL, sioc_message_sink(m));
        sioc_reply_send(side->server, reply, m);
    }
}

static void on_outcome(void *user, intptr_t ref, struct sioc_event *event)
{
    struct sioc_cursor c;
    struct sioc_str json;
    (void)user, (void)ref;
    note("[");
    if (sioc_event_cursor(event, &c) == 0)
        while (sioc_cursor_raw(&c, &json) == 0)
            note("%.*s,", SIOC_STR_ARG(json));
    note("]%d;", sioc_event_status(event));
}

static int start(struct side *side)
{
    char error[160];
    struct sioc_options *options = sioc_options_new();
    struct sioc_handler on = {.user = side};
    if (!options)
        return SIOC_ENOMEM;
    if (restores)
        sioc_options_set_bool(options, "connection_state_recovery", true, error, sizeof error);
    int r = sioc_server_new(loop, options, &side->server);
    if (r == 0)
        r = sioc_server_of(side->server, sioc_str("/"), &side->root);
    if (r == 0)
        r = sioc_server_set_adapter(side->server, on_open, side);
    on.call = on_join_event;
    if (r == 0)
        r = sioc_namespace_event(side->root, sioc_str("join"), on, 0);
    on.call = on_leave_event;
    if (r == 0)
        r = sioc_namespace_event(side->root, sioc_str("leave"), on, 0);
    on.call = on_servers_event;
    if (r == 0)
        r = sioc_namespace_on_servers(side->root, sioc_str("hi"), on, 0);
    return r == 0 ? sioc_server_listen(side->server, "127.0.0.1", 0, &side->port) : r;
}

static int try_setup(void)
{
    memset(&a, 0, sizeof a);
    memset(&b, 0, sizeof b);
    seen[0] = '\0';
    loop = NULL;
    if (sioc_loop_new(&loop) < 0)
        return SIOC_ENOMEM;
    int r = start(&a);
    return r == 0 ? start(&b) : r;
}

static void teardown(void)
{
    sioc_server_free(a.server);
    sioc_server_free(b.server);
    sioc_loop_free(loop);
}

static void join(struct wire *w, const struct side *side)
{
    wire_connect(w, loop, side->port);
    assert_true(wire_open(w));
    wire_text(w, "40");
    assert_non_null(wire_next(w));
}

static int say(struct side *side, const struct sioc_target *target,
               const struct sioc_emit *emit)
{
    struct sioc_message *m;
    int r = sioc_message_new(side->root, sioc_str("say"), &m);
    if (r < 0)
        return r;
    sioc_put_int(sioc_message_sink(m), 1);
    return sioc_broadcast(side->root, target, m, emit);
}

static const struct sioc_target everybody = {0};

/* ---- */

static void tells_the_other_server(void **state)
{
    static struct wire x, y;
    const struct sioc_target here = {.local = true};
    (void)state;
    assert_int_equal(try_setup(), 0);
    join(&x, &a);
    join(&y, &b);
    assert_string_equal(seen, "add id;add id;");
    assert_int_equal(say(&a, &everybody, NULL), 1); /* those that are here are counted */
    assert_string_equal(wire_next(&x), "42[\"say\",1]");
    assert_string_equal(wire_next(&y), "42[\"say\",1]");
    say(&a, &here, NULL);
    say(&b, &everybody, NULL);
    assert_string_equal(wire_next(&x), "42[\"say\",1]");
    assert_string_equal(wire_next(&x), "42[\"say\",1]");
    assert_string_equal(wire_next(&y), "42[\"say\",1]");
    assert_null(wire_next(&y));
    wire_close(&x);
    wire_close(&y);
    teardown();
}

static void rooms_go_through_it(void **state)
{
    static struct wire x, y;
    const struct sioc_str room = sioc_str("r"), more = sioc_str("more");
    const struct sioc_target target = {.rooms = &room, .room_count = 1};
    (void)state;
    assert_int_equal(try_setup(), 0);
    join(&x, &a);
    join(&y, &b);
    seen[0] = '\0';
    wire_text(&x, "42[\"join\"]");
    wire_text(&y, "42[\"join\"]");
    wire_settle(loop);
    assert_string_equal(seen, "add r;add r;");
    sioc_sockets_join(a.root, &target, &more, 1);
    assert_int_equal(sioc_namespace_room_size(b.root, more), 1);
    wire_text(&x, "42[\"leave\"]");
    wire_settle(loop);
    assert_int_equal(sioc_namespace_room_size(a.root, room), 0);
    assert_int_equal(sioc_namespace_room_size(b.root, room), 1);
    seen[0] = '\0';
    wire_text(&y, "41");
    wire_settle(loop);
    assert_string_equal(seen, "del_all;");
    assert_int_equal(sioc_namespace_room_size(b.root, room), 0);
    wire_close(&y);
    seen[0] = '\0';
    wire_close(&x);
    teardown();
    assert_string_equal(seen, "del_all;close;close;");
}

static void surveys_gather(void **state)
{
    static struct wire x, y;
    struct sioc_message *m;
    const struct sioc_emit emit = {.ack = {.call = on_outcome}};
    (void)state;
    assert_int_equal(try_setup(), 0);
    join(&x, &a);
    join(&y, &b);
    seen[0] = '\0';
    assert_true(say(&a, &everybody, &emit) >= 0);
    assert_string_equal(wire_next(&x), "420[\"say\",1]");
    assert_string_equal(wire_next(&y), "420[\"say\",1]");
    wire_text(&y, "430[{\"y\":[]}]");
    wire_settle(loop);
    assert_string_equal(seen, "");
    wire_text(&x, "430[\"x\"]");
    wire_settle(loop);
    assert_string_equal(seen, "[{\"y\":[]},\"x\",]0;");
    sioc_survey_answer(a.server, far.survey, put_half, NULL); /* it is over: nothing happens */

    seen[0] = '\0';
    say(&b, &everybody, &emit); /* x leaves, and is not waited for */
    wire_close(&x);
    wire_text(&y, "430[1]"); /* of the first one: nobody waits */
    wire_text(&y, "431[2]");
    wire_settle(loop);
    assert_non_null(strstr(seen, "[2,]0;"));

    seen[0] = '\0';
    assert_int_equal(sioc_fetch_sockets(b.root, &everybody, false, &emit), 0);
    wire_settle(loop);
    assert_int_equal(strlen(seen), strlen("[\"\",null,]0;") + 20);

    seen[0] = '\0';
    assert_int_equal(sioc_message_new_for_servers(a.root, sioc_str("hi"), &m), 0);
    assert_int_equal(sioc_server_side_emit(a.root, m, &emit), 1);
    wire_settle(loop);
    assert_string_equal(seen, "servers hi;[\"x\",]0;");
    seen[0] = '\0';
    assert_int_equal(sioc_message_new_for_servers(a.root, sioc_str("unheard"), &m), 0);
    assert_int_equal(sioc_server_side_emit(a.root, m, NULL), 1);
    assert_string_equal(seen, "");
    wire_close(&y);
    teardown();
}

#define CLAIM(pid) "40{\"pid\":\"" pid "\",\"offset\":\"o1\"}"

static void set_restoring(bool on)
{
    restores = on;
    ops.persist_session = on ? on_persist : NULL;
    ops.restore_session = on ? on_restore : NULL;
}

static void sessions_are_its_business(void **state)
{
    static struct wire x;
    (void)state;
    set_restoring(true);
    assert_int_equal(try_setup(), 0);
    wire_connect(&x, loop, a.port);
    assert_true(wire_open(&x));
    wire_text(&x, CLAIM(PID));
    assert_string_equal(wire_next(&x), "42[\"missed\",\"offset9\"]");
    assert_string_equal(wire_next(&x), "40{\"sid\":\"" SID "\",\"pid\":\"" PID "\"}");
    assert_string_equal(seen, "restore o1;add id;add kept;");
    assert_int_equal(say(&a, &everybody, NULL), 1);
    assert_string_equal(wire_next(&x), "42[\"say\",1]"); /* an offset is the adapter's to add */
    seen[0] = '\0';
    wire_close(&x);
    wire_settle(loop);
    assert_string_equal(seen, "persist kept;del_all;");

    /* none, and later */
    later = true;
    seen[0] = '\0';
    wire_connect(&x, loop, a.port);
    assert_true(wire_open(&x));
    wire_text(&x, CLAIM("nnnnnnnnnnnnnnnnnnnn"));
    wire_settle(loop);
    assert_string_equal(seen, "restore o1;");
    assert_int_equal(sioc_admit(a.server, wanting, NULL, (struct sioc_str){NULL, 0}),
                     SIOC_ESTATE);
    assert_int_equal(sioc_session_restore(a.server, wanting, NULL), 0);
    assert_int_equal(sioc_session_restore(a.server, wanting, make_session(a.root)),
                     SIOC_ESTATE);
    assert_memory_equal(wire_next(&x), "40{\"sid\":\"", 10);
    assert_int_equal(sioc_namespace_room_size(a.root, sioc_str("kept")), 0);
    /* the client goes while it waits */
    static struct wire z;
    wire_connect(&z, loop, a.port);
    assert_true(wire_open(&z));
    wire_text(&z, CLAIM(PID));
    wire_settle(loop);
    wire_close(&z);
    wire_settle(loop);
    assert_int_equal(sioc_session_restore(a.server, wanting, make_session(a.root)),
                     SIOC_ECLOSED);
    wire_close(&x);
    teardown();
    later = false;
    set_restoring(false);
}

static void can_be_changed(void **state)
{
    static struct wire x;
    (void)state;
    assert_int_equal(try_setup(), 0);
    assert_ptr_equal(sioc_namespace_adapter(a.root), a.mine);
    join(&x, &a);
    seen[0] = '\0';
    assert_int_equal(sioc_server_set_adapter(a.server, NULL, NULL), 0);
    assert_string_equal(seen, "close;");
    assert_null(sioc_namespace_adapter(a.root));
    assert_int_equal(say(&a, &everybody, NULL), 1);
    assert_string_equal(wire_next(&x), "42[\"say\",1]");
    const struct sioc_emit emit = {.ack = {.call = on_outcome}};
    assert_int_equal(sioc_fetch_sockets(a.root, &everybody, false, &emit), SIOC_ENOTFOUND);
    wire_close(&x);
    teardown();
}

/* Never a crash, and never a leak: the sanitizer sees to that. */
static void visit_everything(void)
{
    static struct wire x;
    struct sioc_message *m;
    const struct sioc_emit emit = {.ack = {.call = on_outcome}, .timeout_ms = 1};
    const struct sioc_str room = sioc_str("many");
    wire_connect(&x, loop, b.port);
    if (wire_open(&x)) {
        wire_text(&x, CLAIM(PID));
        wire_settle(loop);
        wire_text(&x, "42[\"join\"]");
        wire_settle(loop);
        say(&a, &everybody, NULL);
        say(&b, &everybody, &emit);
        sioc_fetch_sockets(a.root, &everybody, false, &emit);
        sioc_sockets_join(a.root, &everybody, &room, 1);
        if (sioc_message_new_for_servers(a.root, sioc_str("hi"), &m) == 0)
            sioc_server_side_emit(a.root, m, &emit);
        wire_settle(loop);
        wire_text(&x, "430[1]");
        wire_settle(loop);
    }
    wire_close(&x);
    wire_settle(loop);
}

static void survives_each_failing_allocation(void **state)
{
    (void)state;
    bool reached = true;
    set_restoring(true);
    for (size_t n = 1; reached && n < 3000; n++) {
        mem_test_fail_at(n, false);
        if (try_setup() == 0)
            visit_everything();
        reached = mem_test_count() >= n;
        mem_test_fail_at(0, false);
        teardown();
    }
    set_restoring(false);
    assert_false(reached);
    assert_non_null(strstr(seen, "persist kept r many;"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_other_server),
        cmocka_unit_test(rooms_go_through_it),
        cmocka_unit_test(surveys_gather),
        cmocka_unit_test(sessions_are_its_business),
        cmocka_unit_test(can_be_changed),
        cmocka_unit_test(survives_each_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
