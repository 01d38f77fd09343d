#!/bin/sh
# 1000 calls at 100 per second: ten seconds.
ghz --insecure --count-errors -c 8 -n 1000 -r 100 orders:50051
