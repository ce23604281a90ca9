#include <ftstress/scenario.h>

extern const struct ft_scenario null_scenario, strided_scenario;

const struct ft_scenario *const ft_scenarios[] = {
    &null_scenario,
    &strided_scenario,
    NULL,
};
