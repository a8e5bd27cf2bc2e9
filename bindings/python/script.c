/* bindings/python/script.c -- <sioc/script.h> and <sioc/watch.h> with Python behind them.
 *
 * A generation is any object of the package; the core's pointer to it is a reference, from the
 * load until it is dropped.  Invariant: no exception is set when control goes back to the core.
 */
#include "calls.h"
#include <sioc/script.h>
#include <sioc/watch.h>

/* What a method of the application returned; NULL: it failed, and that was said. */
static PyObject *told(const struct spy_script *script, PyObject *result)
{
    if (!result)
        spy_unraisable(script->loop, script->face);
    return result;
}

static void *on_load(void *user, unsigned number)
{
    const struct spy_script *script = user;
    PyObject *generation =
        told(script, PyObject_CallMethod(script->face, "_load", "I", number));

    if (generation == Py_None)
        Py_CLEAR(generation);
    return generation;
}

static int on_swap(void *user, void *generation, char *ret_error, size_t cap)
{
    const struct spy_script *script = user;
    PyObject *why =
        told(script, PyObject_CallMethod(script->face, "_swap", "O", (PyObject *)generation));
    const char *text = why && PyUnicode_Check(why) ? PyUnicode_AsUTF8(why) : "it failed";
    int r = why == Py_None ? 0 : SIOC_EINVAL;

    PyErr_Clear();
    if (r < 0)
        PyOS_snprintf(ret_error, cap, "%s", text ? text : "it failed");
    Py_XDECREF(why);
    return r;
}

static bool on_rebind(void *user, void *generation, size_t max, size_t *ret_count)
{
    const struct spy_script *script = user;
    PyObject *result =
        told(script, PyObject_CallMethod(script->face, "_rebind", "On", (PyObject *)generation,
                                         (Py_ssize_t)(max < 1000000 ? max : 1000000)));
    Py_ssize_t count = 0;
    int more = 0;

    if (result && !PyArg_ParseTuple(result, "np", &count, &more))
        told(script, NULL);
    Py_XDECREF(result);
    *ret_count += (size_t)count;
    return more != 0;
}

static void on_retire(void *user, void *generation)
{
    const struct spy_script *script = user;

    Py_XDECREF(told(script,
                    PyObject_CallMethod(script->face, "_retire", "O", (PyObject *)generation)));
}

static bool on_busy(void *user, void *generation)
{
    const struct spy_script *script = user;
    PyObject *result =
        told(script, PyObject_CallMethod(script->face, "_busy", "O", (PyObject *)generation));
    bool busy = result == Py_True;

    Py_XDECREF(result);
    return busy;
}

static unsigned on_drop(void *user, void *generation)
{
    const struct spy_script *script = user;
    PyObject *result =
        told(script, PyObject_CallMethod(script->face, "_drop", "O", (PyObject *)generation));
    unsigned long ended = result && PyLong_Check(result) ? PyLong_AsUnsignedLong(result) : 0;

    PyErr_Clear();
    Py_XDECREF(result);
    Py_DECREF((PyObject *)generation);
    return (unsigned)ended;
}

static void on_outcome(void *user, const struct sioc_script_outcome *o)
{
    const struct spy_script *script = user;
    const char *error = o->code >= 0 ? NULL : *o->error ? o->error : sioc_strerror(o->code);

    Py_XDECREF(told(script, PyObject_CallMethod(
                                script->face, "_outcome", "zIdnddIs", error, o->generation,
                                o->load_ms, (Py_ssize_t)o->rebound, o->rebind_ms, o->stall_ms,
                                !o->rollback   ? 0
                                : o->code >= 0 ? o->script
                                               : o->generation,
                                o->why)));
}

static void on_retired(void *user, unsigned number, unsigned ended)
{
    const struct spy_script *script = user;

    Py_XDECREF(
        told(script, PyObject_CallMethod(script->face, "_retired", "II", number, ended)));
}

/* ---- the way back ---- */

static void *on_keep(void *user, void *generation)
{
    const struct spy_script *script = user;

    return told(script,
                PyObject_CallMethod(script->face, "_keep", "O", (PyObject *)generation));
}

static void on_forget(void *user, void *source)
{
    (void)user;
    Py_DECREF((PyObject *)source);
}

static void *on_load_back(void *user, unsigned number, void *source)
{
    const struct spy_script *script = user;

    return told(script, PyObject_CallMethod(script->face, "_load_back", "IO", number,
                                            (PyObject *)source));
}

static void on_stats(void *user, void *generation, struct sioc_script_stats *ret)
{
    const struct spy_script *script = user;
    unsigned long long n[4] = {0};
    PyObject *tuple =
        told(script, PyObject_CallMethod(script->face, "_stats", "O", (PyObject *)generation));

    if (tuple && !PyArg_ParseTuple(tuple, "KKKK", &n[0], &n[1], &n[2], &n[3]))
        told(script, NULL);
    Py_XDECREF(tuple);
    *ret = (struct sioc_script_stats){n[0], n[1], n[2], n[3]};
}

static const struct sioc_script_ops ops = {.load = on_load,
                                           .swap = on_swap,
                                           .rebind = on_rebind,
                                           .retire = on_retire,
                                           .busy = on_busy,
                                           .drop = on_drop,
                                           .outcome = on_outcome,
                                           .retired = on_retired,
                                           .keep = on_keep,
                                           .forget = on_forget,
                                           .load_back = on_load_back,
                                           .stats = on_stats};

PyObject *spy_script_new(struct spy_loop *loop, PyObject *face, PyObject *current)
{
    struct spy_script *script = PyObject_New(struct spy_script, &spy_script_type);
    int r;

    if (!script)
        return NULL;
    script->core = NULL;
    script->face = face;
    script->loop = loop;
    Py_INCREF(face);
    Py_INCREF(loop);
    r = sioc_script_new(loop->core, &ops, script, NULL, current, &script->core);
    if (r < 0) {
        Py_DECREF(script);
        return spy_raise(r, "the application");
    }
    Py_INCREF(current);
    return (PyObject *)script;
}

void spy_script_loaded(struct spy_script *script, PyObject *generation, PyObject *error)
{
    const char *text = error == Py_None ? NULL : PyUnicode_AsUTF8(error);

    PyErr_Clear();
    if (script->core)
        sioc_script_loaded(script->core, generation, error == Py_None ? 0 : SIOC_EINVAL, text);
}

void spy_script_reload(struct spy_script *script)
{
    if (script->core)
        sioc_script_reload(script->core);
}

void spy_script_set_rollback(struct spy_script *script, double window_s, double threshold,
                             unsigned min_handlers)
{
    const struct sioc_script_rollback rules = {.window_ms = (uint64_t)(window_s * 1000),
                                               .threshold = threshold,
                                               .min_handlers = min_handlers};

    if (script->core)
        sioc_script_set_rollback(script->core, &rules);
}

void spy_script_rollback(struct spy_script *script)
{
    if (script->core)
        sioc_script_rollback(script->core);
}

void spy_script_stop(struct spy_script *script)
{
    if (script->core)
        sioc_script_stop(script->core);
}

void spy_script_free(struct spy_script *script)
{
    struct sioc_script *core = script->core;
    PyObject *current;

    if (!core)
        return;
    current = sioc_script_current(core);
    script->core = NULL;
    sioc_script_free(core);
    Py_DECREF(current);
}

static void script_dealloc(PyObject *self)
{
    struct spy_script *script = (struct spy_script *)self;

    spy_script_free(script);
    Py_CLEAR(script->face);
    Py_CLEAR(script->loop);
    PyObject_Free(self);
}

PyTypeObject spy_script_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Script",
    .tp_basicsize = sizeof(struct spy_script),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = script_dealloc,
};

/* ---- files ---- */

static void on_changed(void *user)
{
    const struct spy_watch *watch = user;
    PyObject *result = PyObject_CallNoArgs(watch->changed);

    if (!result)
        spy_unraisable(watch->loop, watch->changed);
    Py_XDECREF(result);
}

PyObject *spy_watch_new(struct spy_loop *loop, PyObject *changed, bool poll)
{
    struct spy_watch *watch = PyObject_New(struct spy_watch, &spy_watch_type);
    struct sioc_files_watch_options options = {
        .poll = poll, .changed = on_changed, .log = sioc_log_stderr, .user = watch};
    int r;

    if (!watch)
        return NULL;
    watch->core = NULL;
    watch->loop = loop;
    watch->changed = changed;
    Py_INCREF(loop);
    Py_INCREF(changed);
    r = sioc_files_watch_open(loop->core, &options, &watch->core);
    if (r >= 0)
        return (PyObject *)watch;
    Py_DECREF(watch);
    return spy_raise(r, "watching files");
}

spy_result spy_watch_set(struct spy_watch *watch, PyObject *paths)
{
    Py_ssize_t count = PyList_Check(paths) ? PyList_GET_SIZE(paths) : 0;
    const char **texts = PyMem_New(const char *, (size_t)count + 1);
    size_t used = 0;
    int r = SIOC_ENOMEM;

    for (Py_ssize_t i = 0; texts && i < count; i++) {
        texts[used] = PyUnicode_AsUTF8(PyList_GET_ITEM(paths, i));
        if (texts[used])
            used++;
        PyErr_Clear(); /* a path that is no text is not watched */
    }
    if (texts && watch->core)
        r = sioc_files_watch_set(watch->core, texts, used);
    PyMem_Free(texts);
    if (r < 0)
        spy_raise(r, "watching files");
    return r < 0 ? -1 : 0;
}

void spy_watch_close(struct spy_watch *watch)
{
    sioc_files_watch_close(watch->core);
    watch->core = NULL;
}

static void watch_dealloc(PyObject *self)
{
    struct spy_watch *watch = (struct spy_watch *)self;

    spy_watch_close(watch);
    Py_CLEAR(watch->changed);
    Py_CLEAR(watch->loop);
    PyObject_Free(self);
}

PyTypeObject spy_watch_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "sioc._native.Watch",
    .tp_basicsize = sizeof(struct spy_watch),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_dealloc = watch_dealloc,
};
