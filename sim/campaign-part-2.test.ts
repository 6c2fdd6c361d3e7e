import { testSeeds } from './campaign.suite.js';

testSeeds(51, 100);
