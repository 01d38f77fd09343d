#!/bin/sh
ghz --insecure --call helloworld.Greeter/SayHello --total 10000 --concurrency 50 \
    --data '{"name":"test"}' dns:///grpc-server-headless:50051
