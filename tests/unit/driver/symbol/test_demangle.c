/* Mangled names become those of the source; others do not change. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "driver/symbol/demangle.h"

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *symbol, *name;
    } rows[] = {
        {"", ""},
        {"PyArray_Repeat", "PyArray_Repeat"},
        {"bug.cold", "bug"},
        {"bug.constprop.0.isra.0", "bug"},
        {".plt", ".plt"},
        {"__pyx_pw_6smooth_1moving_sum", "smooth.moving_sum"},
        {"__pyx_pf_6smooth_moving_sum.isra.0", "smooth.moving_sum"},
        {"__pyx_f_6smooth_grow", "smooth.grow"},
        {"__pyx_pw_6smooth_3add_one", "smooth.add_one"},
        {"__pyx_pw_6smooth_3add_1one", "smooth.add.one"},
        {"__pyx_pw_5scipy_7spatial_8_ckdtree_7cKDTree_1__init__", "scipy.spatial._ckdtree.cKDTree.__init__"},
        {"__pyx_f_5numpy_6random_13bit_generator_12BitGenerator_seed_all",
         "numpy.random.bit_generator.BitGenerator.seed_all"},
        {"__pyx_getprop_6smooth_3Ema_value", "smooth.Ema.value"},
        {"__pyx_tp_dealloc_6smooth_Ema", "smooth.Ema"},
        {"__pyx_pw_6smooth_3Ema_5value_1__get__", "smooth.Ema.value.__get__"},
        {"__pyx_fuse_0__pyx_pw_6smooth_5total", "smooth.total"},
        {"__pyx_fuse_1__pyx_pw_6smooth_7total", "smooth.total"},
        {"__pyx_pw_6smooth_7__pyx_fuse_0_1fuse", "smooth.fuse"},
        {"__pyx_pymod_exec_smooth", "__pyx_pymod_exec_smooth"},
        {"__pyx_pw_6smooth_1", "__pyx_pw_6smooth_1"},
        {"__pyx_pw_99smooth_f", "__pyx_pw_99smooth_f"},
        {"_Zygote", "_Zygote"},
        {"_ZL4memoP7_objectS0_", "memo"},
        {"_ZL4memoP7_objectS0_.isra.0", "memo"},
        {"_ZN8nanobind6detail11init_threadEv", "nanobind::detail::init_thread"},
        {"_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo"},
        {"_Z3addIiET_S0_S0_", "add<int>"},
        {"_ZlsR3FooS0_", "operator<<"},
        {"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad"},
        {"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
        {"_ZNSt8_Rb_treeIiSt4pairIKiNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEESt10_Select1stIS8_ESt4lessI"
         "iESaIS8_EE8_M_eraseEPSt13_Rb_tree_nodeIS8_E",
         "std::_Rb_tree<…>::_M_erase"},
        {"_ZN4a_long_name_of_a_namespace_that_goes_on_and_on_and_on_and_on",
         "_ZN4a_long_name_of_a_namespace_that_goes_on"
         "_and_on_and_on_and_on"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *name = NULL;
        assert_int_equal(demangle(rows[i].symbol, &name), 0);
        assert_string_equal(name, rows[i].name);
        free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
