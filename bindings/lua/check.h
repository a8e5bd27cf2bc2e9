/* bindings/lua/check.h -- what check.c and test_socket.c share, and others ask of them.
 *
 * While a host checks itself, everything that comes of a check is known by its task: the flag
 * `check` of slua_task_info is handed on by whatever a task brings about.
 */
#ifndef SLUA_CHECK_H
#define SLUA_CHECK_H

#include "api.h"
#include <sioc/test.h>

/* Whether there are checks that have not run yet. */
bool slua_checks_any(const struct slua_host *host);
/* Runs them; done(user, code, error) is called once from the loop, unless the host is freed
 * before.  timeout_ms: for all of them; 0 = somebody else sees to that.  error as sioc check
 * prints it; borrowed for the call. */
void slua_checks_begin(struct slua_host *host, uint64_t timeout_ms,
                       void (*done)(void *user, int code, const char *error), void *user);
/* If they still run: the message that one of them was not over in time. */
void slua_checks_late(struct slua_host *host, char *error, size_t cap);
void slua_checks_free(struct slua_host *host);

/* A handler that a check has called has failed. */
void slua_check_report(struct slua_host *host, const struct slua_task_info *info,
                       const char *message_and_traceback);
/* Raises when what runs now belongs to a check: `what` would be seen by others. */
void slua_check_forbid(lua_State *L, const char *what);
bool slua_in_check(lua_State *L);

/* ---- clients for checks (test_open.c, test_socket.c) ---- */

/* The user values of the object. */
enum {
    SLUA_TEST_EMITTED = 1, /* a list */
    SLUA_TEST_ANSWERS,     /* by id */
    SLUA_TEST_REFUSAL,     /* {message, data} */
    SLUA_TEST_VALUES = SLUA_TEST_REFUSAL
};

struct slua_test_socket {
    struct slua_test_socket *next, **link;
    struct slua_host *host;
    struct slua_server *server;
    struct sioc_test_client *client; /* NULL: closed by the script or the end of the checks */
    int self_ref;
    uint64_t timeout_ms, waiting; /* the task that waits for something; 0: none */
    uint64_t last_id;             /* of an event that wants an answer */
    lua_Integer emitted;          /* how many there are */
    struct sioc_timer *timer;
    bool late;            /* the timer has come */
    bool joined, refused; /* what came of CONNECT */
    bool connected;       /* now */
    char id[64];
    char nsp[132];
};

/* Takes what has arrived; the socket lies at index.  Raises. */
void slua_test_take_all(lua_State *L, struct slua_test_socket *socket, int index);
/* In a function that looks for something: waits until something arrives, the end or the time
 * (late) comes; k looks again. */
int slua_test_wait(lua_State *L, struct slua_test_socket *socket, lua_KFunction k,
                   lua_KContext ctx);
void slua_test_start_timer(lua_State *L, struct slua_test_socket *socket, uint64_t ms);
void slua_test_stop_timer(struct slua_test_socket *socket);
void slua_test_on_arrived(void *user);  /* of sioc_test_open */
int slua_test_socket_new(lua_State *L); /* sioc.test_socket; upvalue 1 the api */
/* Those that are open. */
struct slua_test_socket **slua_check_sockets(struct slua_host *host);
/* orderly: it leaves its namespace before; else its connection breaks. */
void slua_test_socket_close(struct slua_test_socket *socket, bool orderly);
void slua_open_test_socket(lua_State *L, struct slua_api *api);

#endif
