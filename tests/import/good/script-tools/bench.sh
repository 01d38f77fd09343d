#!/bin/sh
kubectl exec deploy/tools -- fortio load -grpc -s 4 -c 2 -qps 0 -t 30s search:8080
kubectl run h2 --rm -i --image=registry.example/tools:1 -- h2load -D 30 -c 5 -m 10 http://search:8080
