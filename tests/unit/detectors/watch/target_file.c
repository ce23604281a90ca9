/* A file under test: code, writable words, and a relocated constant, which is read-only after loading. */
#define EXPORTED __attribute__((visibility("default")))

EXPORTED extern long own_words[512];
EXPORTED extern long *const own_relocated[4];
EXPORTED long own_call(long n);

long own_words[512] = {1};
long *const own_relocated[4] = {own_words, own_words + 1, own_words + 2, own_words + 3};

long own_call(long n)
{
    return own_words[n & 511]++ + *own_relocated[n & 3];
}
