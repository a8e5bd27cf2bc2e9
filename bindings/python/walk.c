/* bindings/python/walk.c -- Python values drive a sink.
 *
 * Dicts, lists and tuples are read raw, whatever class they are of; what is none of the plain
 * types goes to the server's `default` hook, and else is refused with the keys that lead to it.
 * Only the hook runs Python code, which may change what is walked: so each value that is looked
 * at is owned meanwhile.
 */
#include "spy.h"
#include <stdio.h>

/* The way from the outermost value to here, as a list on the C stack. */
struct step {
    const struct step *up;
    PyObject *key; /* NULL: an element */
    Py_ssize_t index;
};

struct walker {
    const struct spy_walk *walk;
    struct sioc_sink *sink;
    int depth;
    int hooks; /* `default` inside of `default` */
};

static int walk_value(struct walker *w, PyObject *value, const struct step *at);

/* ---- errors ---- */

static size_t write_path(char *text, size_t cap, const struct step *at)
{
    size_t len;
    int n;

    if (!at)
        return 0;
    len = write_path(text, cap, at->up);
    if (len + 1 >= cap)
        return len;
    if (at->key) {
        const char *key = PyUnicode_Check(at->key) ? PyUnicode_AsUTF8(at->key) : NULL;

        if (!key)
            PyErr_Clear();
        n = snprintf(text + len, cap - len, "%s%s", len ? "." : "", key ? key : "?");
    } else {
        n = snprintf(text + len, cap - len, "[%zd]", at->index);
    }
    return n < 0 || (size_t)n >= cap - len ? cap - 1 : len + (size_t)n;
}

/* Raises type("argument 2: field "a.b[3]": why"). */
static int refuse(struct walker *w, const struct step *at, int code, PyObject *type,
                  const char *why)
{
    char where[80], path[200] = "";
    size_t len;

    write_path(path, sizeof path, at);
    len = strlen(path); /* may be cut in the middle of a character */
    while (len > 0 && len >= sizeof path - 4 && (path[len - 1] & 0x80))
        path[--len] = '\0';
    if (w->walk->number)
        snprintf(where, sizeof where, "%s %zu", w->walk->what, w->walk->number);
    else
        snprintf(where, sizeof where, "%s", w->walk->what);
    if (path[0])
        PyErr_Format(type, "%s: field \"%s\": %s", where, path, why);
    else
        PyErr_Format(type, "%s: %s", where, why);
    return code;
}

/* The sink's own errors. */
static int check(struct walker *w, const struct step *at, int code)
{
    if (code >= 0 || PyErr_Occurred())
        return code;
    if (code == SIOC_ENOMEM) {
        PyErr_NoMemory();
        return code;
    }
    if (code == SIOC_EDEPTH)
        return refuse(w, at, code, PyExc_ValueError,
                      "nested deeper than 64 levels (or contains itself)");
    return refuse(w, at, code, PyExc_ValueError, sioc_strerror(code));
}

static int refuse_type(struct walker *w, PyObject *value, const struct step *at)
{
    char why[200];

    snprintf(why, sizeof why,
             "a %.100s cannot be sent; give the server a default= hook, such as sioc.default",
             Py_TYPE(value)->tp_name);
    return refuse(w, at, SIOC_EINVAL, PyExc_TypeError, why);
}

/* ---- texts and numbers ---- */

static int utf8_of(struct walker *w, PyObject *text, const struct step *at,
                   struct sioc_str *ret_utf8)
{
    Py_ssize_t len;
    const char *utf8;

    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        *ret_utf8 = sioc_str_n(PyUnicode_1BYTE_DATA(text), (size_t)PyUnicode_GET_LENGTH(text));
        return 0;
    }
    utf8 = PyUnicode_AsUTF8AndSize(text, &len);
    if (utf8) {
        *ret_utf8 = sioc_str_n(utf8, (size_t)len);
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
        return SIOC_ENOMEM;
    PyErr_Clear();
    return refuse(w, at, SIOC_EUTF8, PyExc_ValueError,
                  "a str with a lone surrogate; use bytes for raw data");
}

static int walk_text(struct walker *w, PyObject *text, const struct step *at)
{
    struct sioc_str utf8;
    int r = utf8_of(w, text, at, &utf8);

    return r < 0 ? r : check(w, at, sioc_put_str(w->sink, utf8));
}

static int walk_long_int(struct walker *w, PyObject *value, const struct step *at)
{
    PyObject *digits = PyNumber_ToBase(value, 10);
    struct sioc_str text;
    int r;

    if (!digits) { /* there is a limit to the digits of an int */
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return SIOC_ENOMEM;
        PyErr_Clear();
        return refuse(w, at, SIOC_ETOOBIG, PyExc_ValueError, "an int with too many digits");
    }
    text = sioc_str_n(PyUnicode_1BYTE_DATA(digits), (size_t)PyUnicode_GET_LENGTH(digits));
    r = w->sink->ops->raw_json(w->sink, text);
    Py_DECREF(digits);
    if (r == SIOC_EINVAL || r == SIOC_ESYNTAX) /* no double comes near it */
        return refuse(w, at, SIOC_ETOOBIG, PyExc_ValueError, "an int with too many digits");
    return check(w, at, r);
}

static int walk_int(struct walker *w, PyObject *value, const struct step *at)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);

    if (overflow)
        return walk_long_int(w, value, at);
    return check(w, at, sioc_put_int(w->sink, number));
}

static int walk_buffer(struct walker *w, PyObject *value, const struct step *at)
{
    struct sioc_buffer *data;
    Py_buffer view;
    int r;

    if (PyObject_GetBuffer(value, &view, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        return refuse(w, at, SIOC_EINVAL, PyExc_ValueError,
                      "binary data that is not contiguous");
    }
    data = sioc_buffer_new(sioc_str_n(view.buf, (size_t)view.len));
    PyBuffer_Release(&view);
    if (!data)
        return check(w, at, SIOC_ENOMEM);
    r = sioc_put_binary(w->sink, data);
    sioc_buffer_unref(data);
    if (r == SIOC_EINVAL)
        return refuse(w, at, r, PyExc_TypeError, "binary data has no place in JSON text");
    return check(w, at, r);
}

/* ---- containers ---- */

static int enter(struct walker *w, const struct step *at)
{
    if (w->depth == SPY_MAX_DEPTH)
        return check(w, at, SIOC_EDEPTH);
    w->depth++;
    return 0;
}

static int walk_sequence(struct walker *w, PyObject *sequence, const struct step *at)
{
    bool is_list = PyList_Check(sequence);
    struct step in = {at, NULL, 0};
    Py_ssize_t len = is_list ? PyList_GET_SIZE(sequence) : PyTuple_GET_SIZE(sequence);
    int r = enter(w, at);

    if (r < 0)
        return r;
    r = check(w, at, w->sink->ops->array_begin(w->sink, (size_t)len));
    for (; r >= 0 && in.index < len; in.index++) {
        PyObject *item;

        if (is_list && in.index >= PyList_GET_SIZE(sequence))
            return refuse(w, at, SIOC_EINVAL, PyExc_RuntimeError, "a list that has changed");
        item = is_list ? PyList_GET_ITEM(sequence, in.index)
                       : PyTuple_GET_ITEM(sequence, in.index);
        Py_INCREF(item);
        r = walk_value(w, item, &in);
        Py_DECREF(item);
    }
    w->depth--;
    return r < 0 ? r : check(w, at, w->sink->ops->array_end(w->sink));
}

/* A key that is no str, as the json module writes it. */
static PyObject *text_of_key(struct walker *w, PyObject *key, const struct step *at)
{
    char why[200];

    if (key == Py_None)
        return PyUnicode_FromString("null");
    if (PyBool_Check(key))
        return PyUnicode_FromString(key == Py_True ? "true" : "false");
    if (PyLong_Check(key))
        return PyNumber_ToBase(key, 10);
    if (PyFloat_Check(key))
        return PyFloat_Type.tp_repr(key);
    snprintf(why, sizeof why, "a %.100s as key; keys are str", Py_TYPE(key)->tp_name);
    refuse(w, at, SIOC_EINVAL, PyExc_TypeError, why);
    return NULL;
}

static int walk_pair(struct walker *w, PyObject *key, PyObject *value, const struct step *up)
{
    struct step at = {up, key, 0};
    struct sioc_str name;
    PyObject *text = NULL;
    int r;

    if (!PyUnicode_Check(key)) {
        text = text_of_key(w, key, up);
        if (!text)
            return SIOC_EINVAL;
        at.key = text;
    }
    r = utf8_of(w, at.key, up, &name);
    if (r >= 0)
        r = check(w, &at, w->sink->ops->map_key(w->sink, name));
    if (r >= 0)
        r = walk_value(w, value, &at);
    Py_XDECREF(text);
    return r;
}

static int walk_dict(struct walker *w, PyObject *dict, const struct step *at)
{
    Py_ssize_t pos = 0, len = PyDict_GET_SIZE(dict);
    PyObject *key, *value;
    int r = enter(w, at);

    if (r < 0)
        return r;
    r = check(w, at, w->sink->ops->map_begin(w->sink, (size_t)len));
    while (r >= 0 && PyDict_Next(dict, &pos, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        r = walk_pair(w, key, value, at);
        Py_DECREF(key);
        Py_DECREF(value);
        if (r >= 0 && PyDict_GET_SIZE(dict) != len)
            r = refuse(w, at, SIOC_EINVAL, PyExc_RuntimeError, "a dict that has changed");
    }
    w->depth--;
    return r < 0 ? r : check(w, at, w->sink->ops->map_end(w->sink));
}

/* ---- what is none of the plain types ---- */

static int walk_raw(struct walker *w, PyObject *value, const struct step *at)
{
    PyObject *json = PyObject_GetAttrString(value, "json");
    struct sioc_str text;
    int r = SIOC_EINVAL;

    if (json && spy_utf8(json, "sioc.Raw", &text))
        r = check(w, at, w->sink->ops->raw_json(w->sink, text));
    Py_XDECREF(json);
    return r;
}

static int walk_other(struct walker *w, PyObject *value, const struct step *at)
{
    const struct spy_server *server = w->walk->server;
    PyObject *plain;
    int r;

    if (PyObject_CheckBuffer(value))
        return walk_buffer(w, value, at);
    if (server->raw_class && PyObject_TypeCheck(value, (PyTypeObject *)server->raw_class))
        return walk_raw(w, value, at);
    if (!server->encode_default)
        return refuse_type(w, value, at);
    if (w->hooks == SPY_MAX_DEPTH)
        return refuse(w, at, SIOC_EDEPTH, PyExc_ValueError,
                      "default= returns what it cannot send either");
    w->hooks++;
    plain = PyObject_CallOneArg(server->encode_default, value);
    if (!plain && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear(); /* as the json module's hooks do; but we know where it is */
        return refuse_type(w, value, at);
    }
    r = plain ? walk_value(w, plain, at) : SIOC_EINVAL;
    Py_XDECREF(plain);
    w->hooks--;
    return r;
}

static int walk_value(struct walker *w, PyObject *value, const struct step *at)
{
    if (PyUnicode_Check(value))
        return walk_text(w, value, at);
    if (value == Py_None)
        return check(w, at, sioc_put_null(w->sink));
    if (PyBool_Check(value))
        return check(w, at, sioc_put_bool(w->sink, value == Py_True));
    if (PyLong_Check(value))
        return walk_int(w, value, at);
    if (PyFloat_Check(value))
        return check(w, at, sioc_put_number(w->sink, PyFloat_AS_DOUBLE(value)));
    if (PyDict_Check(value))
        return walk_dict(w, value, at);
    if (PyList_Check(value) || PyTuple_Check(value))
        return walk_sequence(w, value, at);
    return walk_other(w, value, at);
}

int spy_walk(const struct spy_walk *walk, PyObject *value)
{
    struct walker w = {.walk = walk, .sink = walk->sink};

    return walk_value(&w, value, NULL);
}
