/* bindings/python/build.c -- a sink that builds Python values, straight from the wire.
 *
 * Values lie in a row; those of a list are staged behind it and go into a list of exactly their
 * number.  Keys of dicts come again and again, so short ones are taken from a cache.  Knows no
 * text format.  Invariant: args->items[1 .. count] are owned; an open dict is owned by its
 * frame.
 */
#include "spy.h"

/* ---- keys ---- */

#define KEY_SLOTS     256
#define KEY_BYTES_MAX 32

struct spy_keys {
    PyObject *slots[KEY_SLOTS]; /* ASCII; or NULL */
};

struct spy_keys *spy_keys_new(void)
{
    return PyMem_Calloc(1, sizeof(struct spy_keys));
}

void spy_keys_free(struct spy_keys *keys)
{
    if (!keys)
        return;
    for (size_t i = 0; i < KEY_SLOTS; i++)
        Py_CLEAR(keys->slots[i]);
    PyMem_Free(keys);
}

static uint32_t hash_of(struct sioc_str s)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (uint8_t)s.ptr[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static PyObject *key_of(struct spy_keys *keys, struct sioc_str s)
{
    PyObject **slot, *key;

    if (s.len == 0 || s.len > KEY_BYTES_MAX)
        return PyUnicode_DecodeUTF8(s.len ? s.ptr : "", (Py_ssize_t)s.len, NULL);
    slot = &keys->slots[hash_of(s) % KEY_SLOTS];
    key = *slot;
    if (key && (size_t)PyUnicode_GET_LENGTH(key) == s.len &&
        memcmp(PyUnicode_1BYTE_DATA(key), s.ptr, s.len) == 0) {
        Py_INCREF(key);
        return key;
    }
    key = PyUnicode_DecodeUTF8(s.ptr, (Py_ssize_t)s.len, NULL);
    if (key && PyUnicode_IS_ASCII(key)) {
        PyObject *before = *slot;

        Py_INCREF(key);
        *slot = key;
        Py_XDECREF(before);
    }
    return key;
}

/* ---- the row ---- */

static int grow(struct spy_args *a)
{
    size_t cap = a->cap * 2;
    PyObject **items;

    if (a->items == a->inline_items) {
        items = PyMem_New(PyObject *, cap);
        if (items)
            memcpy(items, a->items, a->cap * sizeof *items);
    } else {
        items = a->items;
        PyMem_Resize(items, PyObject *, cap);
    }
    if (!items)
        return SIOC_ENOMEM;
    a->items = items;
    a->cap = cap;
    return 0;
}

static int append(struct spy_args *a, PyObject *value)
{
    if (!value)
        return SIOC_ENOMEM;
    if (a->count + 1 == a->cap && grow(a) < 0) {
        Py_DECREF(value);
        return SIOC_ENOMEM;
    }
    a->items[++a->count] = value;
    return 0;
}

int spy_args_push(struct spy_args *a, PyObject *value)
{
    struct spy_frame *f;
    int r;

    if (a->depth == 0 || !(f = &a->frames[a->depth - 1])->dict)
        return append(a, value);
    if (!value)
        return SIOC_ENOMEM;
    r = PyDict_SetItem(f->dict, f->key, value) < 0 ? SIOC_ENOMEM : 0;
    Py_CLEAR(f->key);
    Py_DECREF(value);
    return r;
}

void spy_args_cut(struct spy_args *a, size_t count)
{
    while (a->depth > 0) {
        a->depth--;
        Py_CLEAR(a->frames[a->depth].key);
        Py_CLEAR(a->frames[a->depth].dict);
    }
    while (a->count > count)
        Py_DECREF(a->items[a->count--]);
}

void spy_args_deinit(struct spy_args *a)
{
    spy_args_cut(a, 0);
    if (a->items != a->inline_items)
        PyMem_Free(a->items);
}

PyObject *spy_args_tuple(const struct spy_args *a, size_t first)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)(a->count - first));

    if (!tuple)
        return NULL;
    for (size_t i = first; i < a->count; i++) {
        Py_INCREF(a->items[i + 1]);
        PyTuple_SET_ITEM(tuple, (Py_ssize_t)(i - first), a->items[i + 1]);
    }
    return tuple;
}

/* ---- the sink ---- */

static struct spy_args *self(struct sioc_sink *sink)
{
    return (struct spy_args *)sink;
}

static int begin(struct spy_args *a, PyObject *dict)
{
    struct spy_frame *f;

    if (a->depth == SPY_MAX_DEPTH) {
        Py_XDECREF(dict);
        return SIOC_EDEPTH;
    }
    f = &a->frames[a->depth++];
    f->dict = dict;
    f->key = NULL;
    f->base = a->count;
    return 0;
}

static int put_null(struct sioc_sink *sink)
{
    Py_INCREF(Py_None);
    return spy_args_push(self(sink), Py_None);
}

static int put_boolean(struct sioc_sink *sink, bool value)
{
    return spy_args_push(self(sink), PyBool_FromLong(value));
}

static int put_integer(struct sioc_sink *sink, int64_t value)
{
    return spy_args_push(self(sink), PyLong_FromLongLong(value));
}

static int put_number(struct sioc_sink *sink, double value)
{
    return spy_args_push(self(sink), PyFloat_FromDouble(value));
}

/* More digits than Python's int() takes from strangers (CVE-2020-10735) are a float. */
#define MAX_DIGITS 4300

static int put_big_integer(struct sioc_sink *sink, struct sioc_str digits)
{
    char text[MAX_DIGITS + 2];

    if (digits.len > MAX_DIGITS) {
        PyObject *bytes = PyBytes_FromStringAndSize(digits.ptr, (Py_ssize_t)digits.len);
        PyObject *number = bytes ? PyFloat_FromString(bytes) : NULL;

        Py_XDECREF(bytes);
        return spy_args_push(self(sink), number);
    }
    memcpy(text, digits.ptr, digits.len);
    text[digits.len] = '\0';
    return spy_args_push(self(sink), PyLong_FromString(text, NULL, 10));
}

static int put_string(struct sioc_sink *sink, struct sioc_str utf8)
{
    return spy_args_push(
        self(sink), PyUnicode_DecodeUTF8(utf8.len ? utf8.ptr : "", (Py_ssize_t)utf8.len, NULL));
}

static int put_binary(struct sioc_sink *sink, struct sioc_buffer *data)
{
    struct sioc_str bytes = sioc_buffer_bytes(data);

    return spy_args_push(self(sink), PyBytes_FromStringAndSize(bytes.len ? bytes.ptr : "",
                                                               (Py_ssize_t)bytes.len));
}

static int array_begin(struct sioc_sink *sink, size_t count)
{
    (void)count;
    return begin(self(sink), NULL);
}

static int array_end(struct sioc_sink *sink)
{
    struct spy_args *a = self(sink);
    size_t base = a->frames[a->depth - 1].base;
    PyObject *list = PyList_New((Py_ssize_t)(a->count - base));

    if (!list)
        return SIOC_ENOMEM;
    for (size_t i = base; i < a->count; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)(i - base), a->items[i + 1]);
    a->count = base;
    a->depth--;
    return spy_args_push(a, list);
}

static int map_begin(struct sioc_sink *sink, size_t count)
{
    PyObject *dict = PyDict_New();

    (void)count;
    return dict ? begin(self(sink), dict) : SIOC_ENOMEM;
}

static int map_key(struct sioc_sink *sink, struct sioc_str utf8)
{
    struct spy_args *a = self(sink);
    struct spy_frame *f = &a->frames[a->depth - 1];

    Py_XSETREF(f->key, key_of(a->keys, utf8));
    return f->key ? 0 : SIOC_ENOMEM;
}

static int map_end(struct sioc_sink *sink)
{
    struct spy_args *a = self(sink);
    PyObject *dict = a->frames[--a->depth].dict;

    a->frames[a->depth].dict = NULL;
    return spy_args_push(a, dict);
}

static int put_raw_json(struct sioc_sink *sink, struct sioc_str json)
{
    return sioc_json_decode(json, SPY_MAX_DEPTH, sink, NULL);
}

void spy_args_init(struct spy_args *a, struct spy_keys *keys)
{
    static const struct sioc_sink_ops ops = {
        .null = put_null,
        .boolean = put_boolean,
        .integer = put_integer,
        .number = put_number,
        .string = put_string,
        .binary = put_binary,
        .array_begin = array_begin,
        .array_end = array_end,
        .map_begin = map_begin,
        .map_key = map_key,
        .map_end = map_end,
        .raw_json = put_raw_json,
        .big_integer = put_big_integer,
    };

    a->sink.ops = &ops;
    a->keys = keys;
    a->items = a->inline_items;
    a->items[0] = NULL;
    a->count = 0;
    a->cap = SPY_ARGS_INLINE;
    a->depth = 0;
}

PyObject *spy_from_json(struct spy_keys *keys, struct sioc_str json)
{
    struct spy_args a;
    PyObject *value = NULL;
    int r;

    spy_args_init(&a, keys);
    r = sioc_json_decode(json, SPY_MAX_DEPTH, &a.sink, NULL);
    if (r >= 0) {
        value = a.items[1];
        Py_INCREF(value);
    } else if (!PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, sioc_strerror(r));
    }
    spy_args_deinit(&a);
    return value;
}
