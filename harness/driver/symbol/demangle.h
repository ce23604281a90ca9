/* Names of C++, Rust and Cython functions as their authors write them: "ns::Class::method", "module.Class.method",
 * without parameters, a clone's suffix or Rust's hash. Driver. Pure. */
#pragma once

/* "_ZN2ns1fEi.cold" gives "ns::f", "bug.constprop.0" gives "bug"; any other name comes back as it is. Template
 * arguments that make a name long are left out: "std::vector<…>::push_back". On success *ret_name is the caller's.
 * Returns 0 or -ENOMEM. */
int demangle(const char *symbol, char **ret_name);
