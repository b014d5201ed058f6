# `pipelining.py` inserts this file into modules that hosts get as bytecode, which only
# Pythons of the same version do. It lets Python import the bytecode from the archive of
# the module as it imports source: the names of files are the same.
import _imp as _fastdeploy_imp
import marshal as _fastdeploy_marshal
import zipimport as _fastdeploy_zipimport
import zlib as _fastdeploy_zlib

_fastdeploy_archive = _fastdeploy_zlib.decompress(_fastdeploy_archive)  # noqa: F821


def _fastdeploy_compile(path, content, _compile=_fastdeploy_zipimport._compile_source):
    """Return the code of a file: `built_modules.py` writes how bytecode begins."""
    if content[:1] != b"\xff":
        return _compile(path, content)
    code = _fastdeploy_marshal.loads(memoryview(content)[1:])  # noqa: S302 - its own
    _fastdeploy_imp._fix_co_filename(code, path)
    return code


def _fastdeploy_get_source(
    self, name, _get_source=_fastdeploy_zipimport.zipimporter.get_source
):
    """Return the source for a traceback; None for bytecode."""
    try:
        return _get_source(self, name)
    except UnicodeDecodeError:
        return None


_fastdeploy_zipimport._compile_source = _fastdeploy_compile
_fastdeploy_zipimport.zipimporter.get_source = _fastdeploy_get_source
