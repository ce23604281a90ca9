# The interpreter that the child embeds. Everything is asked of its own sysconfig: CMake's FindPython does not know the
# free-threaded ABI before 3.30.
if(NOT FTSTRESS_PYTHON)
  message(FATAL_ERROR "FTSTRESS_PYTHON is not set: run scripts/setup.sh, or name a free-threaded CPython with -DFTSTRESS_PYTHON=")
endif()

# Without -I: pip lends NumPy to a build by PYTHONPATH.
function(ask_python variable interpreter code)
  execute_process(COMMAND ${interpreter} -P -c "${code}" OUTPUT_VARIABLE answer OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE status ERROR_VARIABLE problem)
  if(status)
    message(FATAL_ERROR "${interpreter} does not answer (${code}): ${problem}")
  endif()
  set(${variable} "${answer}" PARENT_SCOPE)
endfunction()

set(query "import sys, sysconfig; v = lambda k: sysconfig.get_config_var(k) or ''")
ask_python(FTSTRESS_PYTHON_INCLUDE ${FTSTRESS_PYTHON} "${query}; print(sysconfig.get_path('include'))")
ask_python(FTSTRESS_EXT_SUFFIX ${FTSTRESS_PYTHON} "${query}; print(v('EXT_SUFFIX'))")
ask_python(FTSTRESS_ABI ${FTSTRESS_PYTHON} "${query}; print('%d.%d%s' % (*sys.version_info[:2], 't' if v('Py_GIL_DISABLED') else ''))")
ask_python(python_shared ${FTSTRESS_PYTHON} "${query}; print(v('Py_ENABLE_SHARED'))")
ask_python(python_libdir ${FTSTRESS_PYTHON} "${query}; print(v('LIBDIR'))")
ask_python(python_libpl ${FTSTRESS_PYTHON} "${query}; print(v('LIBPL'))")
ask_python(python_ldversion ${FTSTRESS_PYTHON} "${query}; print(v('LDVERSION'))")
ask_python(python_static ${FTSTRESS_PYTHON} "${query}; print(v('LIBRARY'))")
ask_python(python_syslibs ${FTSTRESS_PYTHON} "${query}; print(v('LIBS'), v('SYSLIBS'), v('LOCALMODLIBS'))")
ask_python(FTSTRESS_NUMPY_INCLUDE ${FTSTRESS_NUMPY_PYTHON} "import numpy; print(numpy.get_include())")
message(STATUS "Embedding CPython ${FTSTRESS_ABI} of ${FTSTRESS_PYTHON}")

# Extension modules look the interpreter's symbols up in the executable, hence -rdynamic for both kinds of library.
add_library(python INTERFACE)
target_include_directories(python SYSTEM INTERFACE ${FTSTRESS_PYTHON_INCLUDE})
separate_arguments(python_syslibs)
if(python_shared)
  target_link_libraries(python INTERFACE ${python_libdir}/libpython${python_ldversion}.so)
  target_link_options(python INTERFACE -Wl,-rpath,${python_libdir} -rdynamic)
else()
  find_file(python_archive ${python_static} PATHS ${python_libpl} ${python_libdir} NO_DEFAULT_PATH REQUIRED)
  target_link_libraries(python INTERFACE -Wl,--whole-archive ${python_archive} -Wl,--no-whole-archive ${python_syslibs})
  target_link_options(python INTERFACE -rdynamic)
endif()
target_compile_definitions(python INTERFACE FTSTRESS_PYTHON="${FTSTRESS_PYTHON}" FTSTRESS_ABI="${FTSTRESS_ABI}")

add_library(numpy INTERFACE)
target_include_directories(numpy SYSTEM INTERFACE ${FTSTRESS_NUMPY_INCLUDE})
target_compile_definitions(numpy INTERFACE NPY_TARGET_VERSION=NPY_2_0_API_VERSION
  NPY_NO_DEPRECATED_API=NPY_2_0_API_VERSION PY_ARRAY_UNIQUE_SYMBOL=ftstress_array_api)
