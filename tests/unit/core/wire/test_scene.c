/* Pages of the scene, and reads of memory that may not be mapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/mman.h>

#include "base/peek.h"
#include "core/wire/scene.h"

#define PAGE 4096

static struct scene *new_scene(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    return scene;
}

static void *take_some(void *argument)
{
    struct scene *scene = argument;
    for (int i = 0; i < 40; i++) {
        struct scene_page *page = scene_take(scene, i + 1);
        assert_non_null(page);
        scene_finish(page);
    }
    return NULL;
}

static void every_thread_gets_a_page_of_its_own(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_some, scene), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(scene_count(scene), 160);
    assert_non_null(scene_find(scene, 40));
    assert_true(scene_is_whole(scene_find(scene, 40)));
    assert_null(scene_find(scene, 41));
    free(scene);
}

static void pages_are_limited(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    for (int i = 0; i < SCENE_PAGES; i++)
        assert_non_null(scene_take(scene, i + 1));
    assert_null(scene_take(scene, 9999));
    assert_int_equal(scene_count(scene), SCENE_PAGES);
    free(scene);
}

static void a_corrupt_page_is_put_into_range(void **state)
{
    (void)state;
    struct scene *scene = new_scene();
    struct scene_page *page = scene_take(scene, 1), *copy = malloc(sizeof *copy);
    assert_non_null(copy);
    memset(page, 0xe4, sizeof *page); /* begins a character of three bytes, and again, and again */
    scene_copy(page, copy);
    assert_in_range(copy->nnative, 0, SCENE_NATIVE);
    assert_in_range(copy->npython, 0, SCENE_PYTHON);
    assert_in_range(copy->npointers, 0, SCENE_POINTERS);
    assert_in_range(copy->pointers[0].index, 0, SCENE_REGISTERS - 1);
    assert_in_range(copy->block.kind, 0, VIOLATION_KINDS - 1);
    assert_in_range(copy->block.nalloc, 0, VIOLATION_FRAMES);
    assert_in_range(strlen(copy->python[0].function), 0, SCENE_FUNCTION - 2); /* its last byte is cut */
    assert_in_range(strlen(copy->python[SCENE_PYTHON - 1].file), 0, SCENE_FILE - 2);
    free(copy);
    free(scene);
}

static void memory_is_read_where_there_is_some(void **state)
{
    (void)state;
    char *at = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char to[16];
    assert_ptr_not_equal(at, MAP_FAILED);
    munmap(at + PAGE, PAGE);
    memcpy(at + PAGE - 4, "abcd", 4);
    uint64_t end = (uint64_t)(uintptr_t)at + PAGE;
    assert_true(peek(0, end - 4, to, 4));
    assert_memory_equal(to, "abcd", 4);
    assert_false(peek(0, end - 4, to, 5));
    assert_false(peek(0, 0, to, 1));
    assert_false(peek(0, UINT64_MAX - 3, to, 8));
    assert_true(peek_text(end - 4, to, sizeof to)); /* no NUL before the end of what is there */
    assert_string_equal(to, "abcd");
    assert_true(peek_text(end - 4, to, 3));
    assert_string_equal(to, "ab");
    assert_false(peek_text(end, to, sizeof to));
    assert_string_equal(to, "");
    munmap(at, PAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_thread_gets_a_page_of_its_own),
        cmocka_unit_test(pages_are_limited),
        cmocka_unit_test(a_corrupt_page_is_put_into_range),
        cmocka_unit_test(memory_is_read_where_there_is_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
