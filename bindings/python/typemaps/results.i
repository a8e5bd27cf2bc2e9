/* typemaps/results.i -- results: an int that is negative, or NULL, means an exception is set. */

%typemap(out) spy_result {
    if ($1 < 0)
        SWIG_fail;
    $result = PyLong_FromLong($1);
}
%typemap(out) PyObject * {
    $result = $1;
}
/* Handles are plain numbers, read without a detour. */
%typemap(in) spy_handle {
    $1 = PyLong_AsUnsignedLongLong($input);
    if ($1 == (spy_handle)-1 && PyErr_Occurred())
        SWIG_fail;
}
