# sioc_need_library(PREFIX NAME PACKAGES MODULE...): a library as pkg-config knows it, as the target
# PkgConfig::PREFIX; or an error that says what to install.  PACKAGES: what it is called at Debian's and
# Fedora's.  Also read by who runs `pip install`, and has never heard of CMake.
find_package(PkgConfig QUIET)
if(NOT PKG_CONFIG_FOUND)
    message(FATAL_ERROR "sioc needs pkg-config to find libraries: install the package pkg-config (or pkgconf)")
endif()

macro(sioc_need_library prefix name packages)
    pkg_check_modules(${prefix} IMPORTED_TARGET ${ARGN})
    if(NOT ${prefix}_FOUND)
        message(FATAL_ERROR "sioc needs ${name} and its headers: install one of ${packages} (or run scripts/setup "
            "--run); if it is somewhere else, let PKG_CONFIG_PATH name the folder of its .pc file")
    endif()
endmacro()
