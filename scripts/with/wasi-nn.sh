extend() { extend_c wasi_nn; }
