/* bindings/python/loop.c -- one turn of the core's loop at a time, inside somebody else's loop.
 *
 * Knows nothing of asyncio: the package watches the descriptor and calls step.  Invariant: an
 * exception that ends the program leaves by the step in which it was raised, and nothing of the
 * application is called any more in between.
 */
#include "calls.h"

static void on_work(void *user)
{
    struct spy_loop *loop = user;
    PyObject *result;

    if (!loop->on_work)
        return;
    result = PyObject_CallNoArgs(loop->on_work);
    if (!result)
        spy_unraisable(loop, loop->on_work);
    Py_XDECREF(result);
}

void spy_loop_attach(struct spy_loop *loop, PyObject *callback)
{
    loop->thread = PyThread_get_thread_ident();
    if (callback == Py_None) {
        sioc_loop_on_work(loop->core, NULL, NULL);
        Py_CLEAR(loop->on_work);
        return;
    }
    Py_INCREF(callback);
    Py_XSETREF(loop->on_work, callback);
    sioc_loop_on_work(loop->core, on_work, loop);
}

PyObject *spy_take_exception(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;

    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback && value)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

void spy_keep_fatal(struct spy_loop *loop)
{
    PyObject *exception = spy_take_exception();

    if (loop->fatal)
        Py_XDECREF(exception);
    else
        loop->fatal = exception;
}

static PyObject *raise_fatal(struct spy_loop *loop)
{
    PyObject *exception = loop->fatal;

    loop->fatal = NULL;
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
    return NULL;
}

PyObject *spy_loop_step(struct spy_loop *loop)
{
    bool alive;

    if (!spy_check_here(loop, "a step of the loop"))
        return NULL;
    if (loop->stepping) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the loop is in a step already: a handler must not run a loop of its "
                        "own");
        return NULL;
    }
    loop->stepping = true;
    alive = sioc_loop_step(loop->core, false);
    loop->stepping = false;
    if (loop->fatal)
        return raise_fatal(loop);
    if (!alive)
        Py_RETURN_NONE;
    return PyLong_FromLong(sioc_loop_backend_timeout(loop->core));
}

int spy_loop_fd(struct spy_loop *loop)
{
    return sioc_loop_backend_fd(loop->core);
}

PyObject *spy_loop_replay(struct spy_loop *loop)
{
    Py_INCREF(loop->replay);
    return loop->replay;
}

void spy_loop_replay_begin(struct spy_loop *loop)
{
    loop->replays++;
}

void spy_loop_replay_end(struct spy_loop *loop)
{
    loop->replays--;
}

bool spy_muted(const struct spy_loop *loop)
{
    PyObject *value = NULL;
    bool muted;

    if (loop->replays == 0)
        return false;
    if (PyContextVar_Get(loop->replay, NULL, &value) < 0) {
        PyErr_Clear();
        return false;
    }
    muted = value && PyObject_IsTrue(value) > 0;
    Py_XDECREF(value);
    return muted;
}

bool spy_loop_here(struct spy_loop *loop)
{
    return spy_is_here(loop);
}

void spy_loop_forked(struct spy_loop *loop)
{
    loop->thread = PYTHREAD_INVALID_THREAD_ID;
}
