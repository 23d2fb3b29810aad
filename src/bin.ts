#!/usr/bin/env node
import { runInProcess } from './doctor/doctor.js';
runInProcess(process);
