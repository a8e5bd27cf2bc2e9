/* bindings/python/server.c -- a server: options, log, addresses, namespaces, the end. */
#include "calls.h"

/* ---- options ---- */

/* One option: a bool, a number, a str, or a list of them. */
static int set_option(struct sioc_options *options, const char *name, PyObject *value)
{
    char error[400] = "";
    struct sioc_str text;
    int r = SIOC_EINVAL;

    if (PyBool_Check(value)) {
        r = sioc_options_set_bool(options, name, value == Py_True, error, sizeof error);
    } else if (PyFloat_Check(value) || PyLong_Check(value)) {
        double number = PyFloat_AsDouble(value);

        if (PyErr_Occurred())
            return -1;
        r = sioc_options_set_number(options, name, number, error, sizeof error);
    } else if (PyUnicode_Check(value)) {
        if (!spy_utf8(value, "an option", &text))
            return -1;
        if (strlen(text.ptr) == text.len)
            r = sioc_options_set_text(options, name, text.ptr, error, sizeof error);
    } else {
        PyErr_Format(PyExc_TypeError, "option \"%s\" cannot be a %.100s", name,
                     Py_TYPE(value)->tp_name);
        return -1;
    }
    if (r >= 0)
        return 0;
    PyErr_SetString(r == SIOC_ENOTFOUND ? PyExc_TypeError : PyExc_ValueError,
                    error[0] ? error : sioc_strerror(r));
    return -1;
}

/* pairs: a list of (name, value) */
static struct sioc_options *options_of(PyObject *pairs)
{
    struct sioc_options *options = sioc_options_new();
    int r = 0;

    if (!options) {
        PyErr_NoMemory();
        return NULL;
    }
    if (!PyList_Check(pairs)) {
        PyErr_SetString(PyExc_TypeError, "options must be a list");
        r = -1;
    }
    for (Py_ssize_t i = 0; r >= 0 && i < PyList_GET_SIZE(pairs); i++) {
        const char *name;
        PyObject *value;

        r = PyArg_ParseTuple(PyList_GET_ITEM(pairs, i), "sO", &name, &value)
                ? set_option(options, name, value)
                : -1;
    }
    if (r >= 0)
        return options;
    sioc_options_free(options);
    return NULL;
}

static const char *type_name(enum sioc_option_type type)
{
    switch (type) {
    case SIOC_OPTION_BOOL:
        return "bool";
    case SIOC_OPTION_SECONDS:
        return "seconds";
    case SIOC_OPTION_COUNT:
        return "count";
    case SIOC_OPTION_LIST:
        return "list";
    case SIOC_OPTION_TEXT:
    default:
        return "text";
    }
}

PyObject *spy_options(void)
{
    PyObject *list = PyList_New(0);
    const struct sioc_option_info *info;

    for (size_t i = 0; list && (info = sioc_option_at(i)); i++) {
        PyObject *row = Py_BuildValue("(ssssi)", info->name, type_name(info->type),
                                      info->default_text, info->help, info->is_file);

        if (!row || PyList_Append(list, row) < 0)
            Py_CLEAR(list);
        Py_XDECREF(row);
    }
    return list;
}

/* ---- making ---- */

void spy_on_log(void *user, enum sioc_log_level level, const char *text)
{
    struct spy_server *server = user;
    PyObject *result, *value, *type, *traceback;

    if (!server->face)
        return;
    PyErr_Fetch(&type, &value, &traceback);
    result = PyObject_CallMethod(server->face, "_log", "ss", sioc_log_level_name(level), text);
    if (!result)
        spy_unraisable(server->loop, server->face);
    Py_XDECREF(result);
    PyErr_Restore(type, value, traceback);
}

static int on_save(void *user, struct sioc_socket *socket, struct sioc_sink *sink)
{
    struct spy_server *server = user;
    struct spy_walk walk = {sink, server, "socket.data", 0};
    PyObject *object = (PyObject *)sioc_socket_host_ref(socket, server), *data;
    int r;

    if (!object)
        return sioc_socket_read_data(socket, sink);
    data = PyObject_GetAttrString(object, "_data");
    if (data == Py_None) { /* nobody has looked at it since it came back */
        Py_DECREF(data);
        return sioc_socket_read_data(socket, sink);
    }
    r = data ? spy_walk(&walk, data) : SIOC_EINVAL;
    Py_XDECREF(data);
    if (r < 0 && PyErr_Occurred())
        spy_unraisable(server->loop, object);
    return r;
}

static struct spy_server *server_alloc(struct spy_loop *loop, PyObject *face)
{
    struct spy_server *server = PyObject_GC_New(struct spy_server, &spy_server_type);

    if (!server)
        return NULL;
    memset((char *)server + sizeof server->ob_base, 0, sizeof *server - sizeof server->ob_base);
    Py_INCREF(loop);
    server->loop = loop;
    Py_INCREF(face);
    server->face = face;
    server->prev = server->next = server;
    PyObject_GC_Track(server);
    return server;
}

static PyObject *item(PyObject *tuple, Py_ssize_t i)
{
    PyObject *value = PyTuple_GetItem(tuple, i);

    Py_XINCREF(value);
    return value;
}

static bool fill(struct spy_server *server, PyObject *classes, PyObject *sent)
{
    server->keys = spy_keys_new();
    server->socket_class = item(classes, 0);
    server->ack_class = item(classes, 1);
    server->raw_class = item(classes, 2);
    server->sent[0] = item(sent, 0);
    server->sent[1] = item(sent, 1);
    server->spawn = PyObject_GetAttrString(server->face, "_spawn");
    server->ack_name = Py_BuildValue("(s)", "ack");
    if (!server->keys && !PyErr_Occurred())
        PyErr_NoMemory();
    return !PyErr_Occurred();
}

PyObject *spy_server_new(struct spy_loop *loop, PyObject *face, PyObject *options,
                         PyObject *classes, PyObject *sent, PyObject *encode_default)
{
    struct sioc_options *core_options;
    struct spy_server *server;
    int r;

    if (!spy_check_here(loop, "sioc.Server"))
        return NULL;
    server = server_alloc(loop, face);
    if (!server)
        return NULL;
    if (encode_default != Py_None) {
        Py_INCREF(encode_default);
        server->encode_default = encode_default;
    }
    core_options = fill(server, classes, sent) ? options_of(options) : NULL;
    if (!core_options) {
        Py_DECREF(server);
        return NULL;
    }
    r = sioc_server_new(loop->core, core_options, &server->core);
    if (r < 0) {
        Py_DECREF(server);
        return spy_raise(r, "sioc.Server");
    }
    sioc_server_on_socket_gone(server->core, spy_on_socket_gone);
    sioc_server_on_socket_save(server->core, on_save, server);
    sioc_server_on_rebind(server->core, spy_on_rebind, server);
    server->log_level = SIOC_LOG_INFO;
    sioc_server_set_log(server->core, SIOC_LOG_INFO, spy_on_log, server);
    return (PyObject *)server;
}

spy_result spy_server_set_log(struct spy_server *server, const char *level)
{
    enum sioc_log_level parsed;

    if (!spy_check_open(server))
        return -1;
    if (sioc_log_level_parse(level, &parsed) < 0) {
        PyErr_SetString(PyExc_ValueError, "the level is debug, info, warn or error");
        return -1;
    }
    server->log_level = parsed;
    sioc_server_set_log(server->core, parsed, spy_on_log, server);
    return 0;
}

spy_result spy_server_set_client_dir(struct spy_server *server, const char *dir)
{
    int r;

    if (!spy_check_open(server))
        return -1;
    r = sioc_server_set_client_dir(server->core, dir);
    if (r < 0)
        spy_raise(r, "the folder of the browser client");
    return r < 0 ? -1 : 0;
}

/* ---- addresses, the end ---- */

spy_result spy_server_load_tls(struct spy_server *server)
{
    char error[400] = "";
    int r = server->core ? sioc_server_load_tls(server->core, error, sizeof error) : 0;

    if (r < 0)
        PyErr_SetString(PyExc_ValueError, error[0] ? error : sioc_strerror(r));
    return r < 0 ? -1 : 0;
}

spy_result spy_server_listen(struct spy_server *server, const char *host, int port)
{
    uint16_t bound = 0;
    int r;

    if (!spy_check_here(server->loop, "listen") || !spy_check_open(server))
        return -1;
    if (port < 0 || port > 65535) {
        PyErr_Format(PyExc_ValueError, "a port is a number from 0 to 65535, not %d", port);
        return -1;
    }
    if (spy_server_load_tls(server) < 0)
        return -1;
    r = sioc_server_listen(server->core, host, (uint16_t)port, &bound);
    if (r >= 0)
        return bound;
    PyErr_Format(r == SIOC_EACCES ? PyExc_PermissionError : PyExc_OSError,
                 "cannot listen on %s:%d: %s", host, port,
                 r == SIOC_ENOTFOUND ? "no such address here" : sioc_strerror(r));
    return -1;
}

struct closing {
    struct spy_server *server;
    PyObject *done;
};

static void on_closed(void *user)
{
    struct closing *c = user;
    PyObject *result = PyObject_CallNoArgs(c->done);

    if (!result)
        spy_unraisable(c->server->loop, c->done);
    Py_XDECREF(result);
    Py_DECREF(c->done);
    Py_DECREF(c->server);
    PyMem_Free(c);
}

PyObject *spy_server_close(struct spy_server *server, PyObject *done)
{
    struct closing *c;

    if (!spy_check_here(server->loop, "close") || !spy_check_open(server))
        return NULL;
    c = PyMem_New(struct closing, 1);
    if (!c)
        return PyErr_NoMemory();
    Py_INCREF(server);
    Py_INCREF(done);
    *c = (struct closing){server, done};
    sioc_server_close(server->core, on_closed, c);
    Py_RETURN_NONE;
}

void spy_server_free(struct spy_server *server)
{
    if (spy_is_here(server->loop))
        spy_server_shut(server);
}

/* ---- what it tells ---- */

bool spy_server_secure(struct spy_server *server)
{
    return server->core && sioc_server_secure(server->core);
}

const char *spy_version(void)
{
    return sioc_version();
}

PyObject *spy_server_client_count(struct spy_server *server)
{
    if (!spy_check_here(server->loop, "clients_count") || !spy_check_open(server))
        return NULL;
    return PyLong_FromSize_t(sioc_server_client_count(server->core));
}

unsigned long long spy_server_handled(struct spy_server *server)
{
    return server->handled;
}

PyObject *spy_server_metrics(struct spy_server *server)
{
    PyObject *dict;
    const char *name;
    uint64_t value;

    if (!spy_check_here(server->loop, "metrics") || !spy_check_open(server))
        return NULL;
    dict = PyDict_New();
    for (size_t i = 0; dict && sioc_server_metric(server->core, i, &name, &value); i++) {
        PyObject *number = PyLong_FromUnsignedLongLong(value);

        if (!number || PyDict_SetItemString(dict, name, number) < 0)
            Py_CLEAR(dict);
        Py_XDECREF(number);
    }
    return dict;
}

PyObject *spy_server_of(struct spy_server *server, PyObject *name, PyObject *face)
{
    struct sioc_namespace *core;
    struct sioc_str text;
    int r;

    if (!spy_check_here(server->loop, "of") || !spy_check_open(server) ||
        !spy_utf8(name, "the name of a namespace", &text))
        return NULL;
    r = sioc_server_of(server->core, text, &core);
    if (r < 0)
        return spy_raise(r, "the name of a namespace");
    sioc_namespace_set_host_ref(core, (intptr_t)face);
    return spy_nsp_new(server, core);
}
