#!/bin/sh
ghz --call shop.Orders/Get -c 100 -z 5m orders.example.org:443
