/* sioc.i -- what SWIG makes the module sioc._native of: the functions of sioc_py.h.
 *
 * The package around it is written by hand; nothing here is for applications.  Functions lose
 * their spy_; objects of the shim are passed by typemaps that look at their type.
 */
%module(package="sioc") native

%{
#include "sioc_py.h"
%}

%rename("%(strip:[spy_])s") "";
%rename(pass_) spy_pass;
%feature("autodoc", "0");

%include "typemaps/objects.i"
%include "typemaps/results.i"

%init %{
    if (spy_init() < 0)
        return NULL;
%}

%ignore spy_loop;
%ignore spy_server;
%ignore spy_nsp;
%ignore spy_script;
%ignore spy_watch;
%ignore spy_shared;
%ignore spy_test;
%include "sioc_py.h"
