#!/bin/sh
fortio load -grpc -n 600 -qps 60 -c 8 orders:50051
