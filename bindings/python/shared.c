/* bindings/python/shared.c -- values that no reload touches: <sioc/shared.h>.
 *
 * A store may be used from any thread; only the objects around it are the interpreter's.
 * Invariant: a draft holds its parent.
 */
#include "calls.h"
#include <sioc/shared.h>

static void shared_dealloc(PyObject *self)
{
    struct spy_shared *shared = (struct spy_shared *)self;

    sioc_shared_free(shared->core);
    Py_CLEAR(shared->parent);
    PyObject_Free(self);
}

PyTypeObject spy_shared_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Shared",
    .tp_basicsize = sizeof(struct spy_shared),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = shared_dealloc,
};

static PyObject *shared_alloc(int code, struct sioc_shared *core, PyObject *parent)
{
    struct spy_shared *shared;

    if (code < 0)
        return spy_raise(code, "shared");
    shared = PyObject_New(struct spy_shared, &spy_shared_type);
    if (!shared) {
        sioc_shared_free(core);
        return NULL;
    }
    Py_XINCREF(parent);
    shared->core = core;
    shared->parent = parent;
    return (PyObject *)shared;
}

PyObject *spy_shared_new(unsigned long long max_bytes)
{
    struct sioc_shared *core = NULL;
    int r = sioc_shared_new((size_t)max_bytes, &core);

    return shared_alloc(r, core, NULL);
}

PyObject *spy_shared_draft(struct spy_shared *parent)
{
    struct sioc_shared *core = NULL;
    int r = sioc_shared_draft(parent->core, &core);

    return shared_alloc(r, core, (PyObject *)parent);
}

PyObject *spy_shared_commit(struct spy_shared *draft)
{
    return PyLong_FromSize_t(sioc_shared_commit(draft->core));
}

/* ---- entries ---- */

struct entry {
    struct sioc_str name, key;
};

static bool entry_of(PyObject *name, PyObject *key, struct entry *ret)
{
    return spy_utf8(name, "the name of a store", &ret->name) &&
           spy_utf8(key, "a key", &ret->key);
}

/* NULL and an exception; Py_None means none, *ret_value is NULL then. */
static bool value_of(struct spy_server *server, PyObject *object,
                     struct sioc_shared_value **ret_value)
{
    struct spy_walk walk = {NULL, server, "the value", 0};

    *ret_value = NULL;
    if (object == Py_None)
        return true;
    *ret_value = sioc_shared_value_new();
    if (!*ret_value) {
        PyErr_NoMemory();
        return false;
    }
    walk.sink = sioc_shared_value_sink(*ret_value);
    if (spy_walk(&walk, object) >= 0)
        return true;
    sioc_shared_value_free(*ret_value);
    return false;
}

static uint64_t ms(double ttl_s)
{
    return ttl_s > 0 ? (uint64_t)(ttl_s * 1000 + 0.999) : 0;
}

/* True; False for what is not so; an exception for the rest. */
static PyObject *result(int code)
{
    if (code == SIOC_EEXIST || code == SIOC_ESTATE || code == SIOC_ENOTFOUND)
        Py_RETURN_FALSE;
    if (code == SIOC_EFULL) {
        PyErr_SetString(PyExc_MemoryError, "shared: there is no room (max_shared_bytes)");
        return NULL;
    }
    return code < 0 ? spy_raise(code, "shared") : PyBool_FromLong(true);
}

PyObject *spy_shared_get(struct spy_shared *shared, PyObject *name, PyObject *key,
                         PyObject *missing)
{
    struct spy_keys *keys;
    struct entry entry;
    struct spy_args args;
    PyObject *value = NULL;
    int r;

    if (!entry_of(name, key, &entry))
        return NULL;
    keys = spy_keys_new(); /* of this call: it may be any thread */
    if (!keys)
        return PyErr_NoMemory();
    spy_args_init(&args, keys);
    r = sioc_shared_get(shared->core, entry.name, entry.key, &args.sink);
    if (r >= 0)
        value = args.items[1];
    else if (r == SIOC_ENOTFOUND)
        value = missing;
    Py_XINCREF(value);
    spy_args_deinit(&args);
    spy_keys_free(keys);
    return value ? value : spy_raise(r, "shared");
}

/* add: only if there is none.  None removes. */
PyObject *spy_shared_set(struct spy_shared *shared, struct spy_server *server, PyObject *name,
                         PyObject *key, PyObject *object, double ttl_s, bool add)
{
    struct sioc_shared_value *value;
    struct entry entry;
    int r;

    if (!entry_of(name, key, &entry) || !value_of(server, object, &value))
        return NULL;
    if (!value)
        r = sioc_shared_remove(shared->core, entry.name, entry.key);
    else if (add)
        r = sioc_shared_add(shared->core, entry.name, entry.key, value, ms(ttl_s));
    else
        r = sioc_shared_set(shared->core, entry.name, entry.key, value, ms(ttl_s));
    sioc_shared_value_free(value);
    return result(r);
}

PyObject *spy_shared_cas(struct spy_shared *shared, struct spy_server *server, PyObject *name,
                         PyObject *key, PyObject *before, PyObject *after, double ttl_s)
{
    struct sioc_shared_value *old, *new;
    struct entry entry;
    int r;

    if (!entry_of(name, key, &entry) || !value_of(server, before, &old))
        return NULL;
    if (!value_of(server, after, &new)) {
        sioc_shared_value_free(old);
        return NULL;
    }
    r = sioc_shared_cas(shared->core, entry.name, entry.key, old, new, ms(ttl_s));
    sioc_shared_value_free(old);
    sioc_shared_value_free(new);
    return result(r);
}

PyObject *spy_shared_incr(struct spy_shared *shared, PyObject *name, PyObject *key,
                          PyObject *by, double ttl_s)
{
    struct sioc_shared_number number = {.is_integer = PyLong_Check(by)}, sum;
    struct entry entry;
    int r;

    if (!entry_of(name, key, &entry))
        return NULL;
    number.number = PyFloat_AsDouble(by);
    if (number.is_integer)
        number.integer = PyLong_AsLongLong(by);
    if (PyErr_Occurred())
        return NULL;
    r = sioc_shared_incr(shared->core, entry.name, entry.key, number, ms(ttl_s), &sum);
    if (r == SIOC_ESTATE)
        return PyErr_Format(PyExc_TypeError, "\"%U\" holds no number", key);
    if (r < 0)
        return result(r);
    return sum.is_integer ? PyLong_FromLongLong(sum.integer) : PyFloat_FromDouble(sum.number);
}
