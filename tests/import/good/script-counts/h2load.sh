#!/bin/sh
h2load -n6000 -c10 -m4 http://orders:50051/
