extend() { extend_pythran pythran_buffer; }
