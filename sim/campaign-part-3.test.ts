import { testSeeds } from './campaign.suite.js';

testSeeds(101, 150);
