/* bindings/python/spy.h -- inside the shim between the core and CPython: objects, values,
 * calls.
 *
 * Three small objects, made here and held by the package: a loop, a server in it, a namespace
 * of the server.  A socket is known by its handle.  All rules of the language (tasks,
 * exceptions, what may wait) are the package's; the shim only does what is too hot, or too
 * close to the core, for Python.  Includes public headers of sioc only, and is the one file
 * that names Python.h.
 *
 * Everything runs with the GIL, in the loop's thread: the GIL alone is no lock, for Python
 * code that we call may give it away while the core is in the middle of a step.  So each entry
 * from Python asks spy_is_here first.
 */
#ifndef SPY_H
#define SPY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sioc/sioc.h>

struct spy_loop {
    PyObject ob_base;
    struct sioc_loop *core;
    unsigned long thread; /* the one that may call in */
    PyObject *on_work;    /* called when something is asked for between two steps; or NULL */
    PyObject *fatal;      /* an exception that ends the program; or NULL */
    PyObject *replay;     /* a ContextVar: true where a connection handler is replayed */
    unsigned replays;     /* that run now */
    bool stepping;
};

struct spy_handler;
struct spy_ack;
struct spy_keys;
struct spy_nsp;

struct spy_server {
    PyObject ob_base;
    struct spy_loop *loop;
    struct sioc_server *core;       /* NULL once freed */
    PyObject *face;                 /* the sioc.Server; what happens is told to its methods */
    PyObject *socket_class;         /* (namespace, handle, id) */
    PyObject *ack_class;            /* (server, socket, id, serial) */
    PyObject *raw_class;            /* has .json */
    PyObject *spawn;                /* face._spawn */
    PyObject *sent[2];              /* what emit returns: no, yes */
    PyObject *encode_default;       /* the option `default`; NULL: none */
    PyObject *ack_name;             /* ("ack",) */
    struct spy_keys *keys;          /* texts of before, for keys of dicts (build.c) */
    struct spy_handler *handlers;   /* of namespaces; linked list, owned by the core */
    struct spy_handler *closures;   /* of sockets */
    struct spy_ack *acks;           /* answers that are waited for */
    struct spy_nsp *nsps;           /* its namespaces */
    struct spy_server *prev, *next; /* a ring: those of several generations with one core */
    uint64_t handled;               /* handlers that were called */
    enum sioc_log_level log_level;
    bool borrowed; /* core belongs to a later generation */
    bool freeing;
};

/* A namespace of a server.  A dynamic one is referenced. */
struct spy_nsp {
    PyObject ob_base;
    struct spy_server *server;
    struct sioc_namespace *core;
    struct spy_nsp *next, **link;
};

/* An application and its generations; a watch over files (script.c). */
struct spy_script {
    PyObject ob_base;
    struct sioc_script *core;
    struct spy_loop *loop;
    PyObject *face; /* its methods are told */
};
struct spy_watch {
    PyObject ob_base;
    struct sioc_files_watch *core;
    struct spy_loop *loop;
    PyObject *changed;
};

/* Values by name and key (shared.c). */
struct spy_shared {
    PyObject ob_base;
    struct sioc_shared *core;
    PyObject *parent; /* of a draft */
};

/* A client without a network (test.c). */
struct spy_test {
    PyObject ob_base;
    struct sioc_test_client *core; /* NULL: closed */
    struct spy_server *server;
    PyObject *arrived; /* called when something waits */
};

extern PyTypeObject spy_loop_type, spy_server_type, spy_nsp_type, spy_script_type,
    spy_watch_type, spy_shared_type, spy_test_type;

/* Makes the types ready; at import.  < 0: an exception is set. */
int spy_init(void);

static inline bool spy_is_here(const struct spy_loop *loop)
{
    return PyThread_get_thread_ident() == loop->thread;
}
/* Whether a connection handler is replayed here: nobody hears what it says. */
bool spy_muted(const struct spy_loop *loop);
/* For what only the loop's thread may do: false and RuntimeError in any other. */
bool spy_check_here(const struct spy_loop *loop, const char *what);
/* The server is there; else RuntimeError. */
bool spy_check_open(const struct spy_server *server);
/* Raises what a code of the core means; returns NULL. */
PyObject *spy_raise(int code, const char *what);
/* An exception that was raised by a callback: ends the program (KeyboardInterrupt, SystemExit)
 * or is printed. */
void spy_unraisable(struct spy_loop *loop, PyObject *where);

/* ---- texts ---- */

static inline PyObject *spy_text(struct sioc_str s)
{
    return PyUnicode_DecodeUTF8(s.ptr ? s.ptr : "", (Py_ssize_t)s.len, "replace");
}
/* The UTF-8 of a str, borrowed from it; false and an exception for anything else. */
bool spy_utf8(PyObject *text, const char *what, struct sioc_str *ret_utf8);

/* ---- values ---- */

/* Values in a row: arguments of a call (items[0] is left free for it).  Also a sink that adds
 * each value it is driven with. */
#define SPY_MAX_DEPTH   64
#define SPY_ARGS_INLINE 24
struct spy_args {
    struct sioc_sink sink;
    struct spy_keys *keys;
    PyObject **items; /* owned references; values[1 .. count] */
    size_t count, cap;
    int depth;
    struct spy_frame {
        PyObject *dict; /* NULL: a list, whose elements are staged from `base` on */
        PyObject *key;
        size_t base;
    } frames[SPY_MAX_DEPTH];
    PyObject *inline_items[SPY_ARGS_INLINE];
};
void spy_args_init(struct spy_args *args, struct spy_keys *keys);
/* Steals the reference; NULL passes a failure on. */
int spy_args_push(struct spy_args *args, PyObject *value);
/* Drops what is behind the first `count`. */
void spy_args_cut(struct spy_args *args, size_t count);
void spy_args_deinit(struct spy_args *args);
/* The values from `first` (0 = the first) as a tuple. */
PyObject *spy_args_tuple(const struct spy_args *args, size_t first);
/* The one value of JSON text; NULL and an exception. */
PyObject *spy_from_json(struct spy_keys *keys, struct sioc_str json);
struct spy_keys *spy_keys_new(void);
void spy_keys_free(struct spy_keys *keys);

/* Drives the sink with a value.  On failure SIOC_E* and an exception that names the way to the
 * value, which begins with `what` ("argument 2"). */
struct spy_walk {
    struct sioc_sink *sink;
    const struct spy_server *server;
    const char *what;
    size_t number; /* behind `what`; 0: none */
};
int spy_walk(const struct spy_walk *walk, PyObject *value);

/* ---- handlers ---- */

enum spy_handler_flags {
    SPY_SERIAL = 1,     /* the socket's next events wait until it has ended */
    SPY_OWN = 2,        /* of one socket: is not told the socket */
    SPY_ANY = 4,        /* of every event: is told its name */
    SPY_ACK_LAST = 8,   /* wants the function that answers, behind the arguments */
    SPY_ACK_NAMED = 16, /* ... as the keyword `ack` */
    SPY_THREAD = 32,    /* runs in another thread */
};
struct spy_handler {
    struct spy_handler *next, **link;
    struct spy_server *server;
    unsigned uses; /* the core's, and one for each call that runs */
    PyObject *fn;
    struct spy_handler *nowhere; /* where link leads when the list is gone */
    int most; /* positional arguments it takes (the function that answers apart); -1: any */
    unsigned flags;
};
/* The core's handler for a function; call NULL and MemoryError. */
struct sioc_handler spy_handler(struct spy_server *server, PyObject *fn, int most,
                                unsigned flags);
void spy_handler_unuse(struct spy_handler *handler);
/* One line of Python's for what the core calls (dispatch.c). */
void spy_on_event(void *user, intptr_t ref, struct sioc_event *event);
/* A new reference to the one sioc.Socket of the socket; None when there is none. */
PyObject *spy_socket_object(struct spy_server *server, struct sioc_socket *socket);
/* A new reference to the sioc.Namespace. */
PyObject *spy_nsp_face(struct spy_server *server, struct sioc_namespace *nsp);

#endif
