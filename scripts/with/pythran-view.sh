extend() { extend_pythran pythran_view; }
