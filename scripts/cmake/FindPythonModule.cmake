# SIOC_PYTHON_FOUND: whether a module for Python can be built here.  The interpreter is the system's,
# unless Python3_EXECUTABLE says otherwise: what a version manager puts on the path changes with the
# folder one is in.
if(NOT Python3_EXECUTABLE AND NOT Python3_ROOT_DIR AND EXISTS /usr/bin/python3)
    set(Python3_EXECUTABLE /usr/bin/python3)
endif()
set(SIOC_PYTHON_FOUND FALSE)
if(SIOC_PYTHON STREQUAL "AUTO")
    find_package(Python3 3.9 QUIET COMPONENTS Interpreter Development.Module)
    find_package(SWIG 4.1 QUIET COMPONENTS python)
else()
    find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter Development.Module)
    find_package(SWIG 4.1 REQUIRED COMPONENTS python)
endif()
if(Python3_Development.Module_FOUND AND SWIG_FOUND)
    set(SIOC_PYTHON_FOUND TRUE)
else()
    message(STATUS "no module for Python: SWIG 4.1 or Python.h is missing (swig, python3-dev)")
endif()
