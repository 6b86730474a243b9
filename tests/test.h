// The one door to the test framework: Catch2 2.13 as Debian 12 ships it.
#pragma once

#include <catch2/catch.hpp>
