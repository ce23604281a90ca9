/* What the census and the guard know by name and by site, for the detectors that tell of it. */
#pragma once

#include "detectors/census.h"

/* "module.Type" into text. Attached, and while Python lives: it asks the type for its module. */
void growth_type_name(PyTypeObject *type, char *text, size_t size);

/* Where most objects of this type that were made since the epoch come from; 0 when nobody knows. */
uint64_t growth_site_of(const PyTypeObject *type, enum epoch since);
