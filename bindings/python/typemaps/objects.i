/* typemaps/objects.i -- the shim's objects as arguments: borrowed, and of the right type. */

%define SPY_OBJECT(TYPE)
%typemap(in) struct TYPE * {
    if (!PyObject_TypeCheck($input, &TYPE ## _type)) {
        PyErr_Format(PyExc_TypeError, "a %s is expected, not %.100s", TYPE ## _type.tp_name,
                     Py_TYPE($input)->tp_name);
        SWIG_fail;
    }
    $1 = (struct TYPE *)$input;
}
%typemap(typecheck) struct TYPE * {
    $1 = PyObject_TypeCheck($input, &TYPE ## _type);
}
%enddef

SPY_OBJECT(spy_loop)
SPY_OBJECT(spy_server)
SPY_OBJECT(spy_nsp)
SPY_OBJECT(spy_script)
SPY_OBJECT(spy_watch)
SPY_OBJECT(spy_shared)
SPY_OBJECT(spy_test)
